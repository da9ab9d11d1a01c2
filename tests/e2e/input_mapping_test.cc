// The model's input mapping: chosen once, followed by every way in which rows reach the model.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <fstream>
#include <functional>
#include <string>
#include <string_view>

#include "core/base/str_cat.h"
#include "tests/e2e/transfer_site.h"
#include "tests/support/server_process.h"
#include "tests/support/temporary_folder.h"

namespace freshet {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class InputMappingTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NO_FATAL_FAILURE(site_.Start()); }

  CommandResult Freshet(const std::string& arguments) {
    return site_.Freshet(folder_.path(), arguments);
  }

  void Write(const std::string& name, std::string_view text) const {
    std::ofstream(folder_.path() + "/" + name, std::ios::binary) << text;
  }

  // A header and `rows` rows, each as `row` gives it for its number from 0.
  void WriteRows(const std::string& name, std::string text, int rows,
                 const std::function<std::string(int)>& row) const {
    for (int i = 0; i < rows; ++i) text += row(i);
    Write(name, text);
  }

  // A table of clicks whose users and ages matter.
  void WriteClicks(const std::string& name, int rows = 400) const {
    WriteRows(name, "user_id,age,title,clicked\n", rows, [](int i) {
      return StrCat(100 + i % 7, ",", 20 + i % 45, ",offer number ", i, " of today,",
                    i % 7 < 3 ? "yes" : "no", "\n");
    });
  }

  // The first prediction that a command prints.
  static std::string First(const CommandResult& result) {
    return result.out.substr(0, result.out.find(' '));
  }

  TemporaryFolder folder_;
  Site site_;
};

// The same row used to predict one thing with the flags of training and another without.
TEST_F(InputMappingTest, TheFirstPushDecidesAndAllFollow) {
  WriteClicks("clicks.csv");
  ASSERT_EQ(Freshet("models create m --bits 16").code, 0);
  const CommandResult pushed = Freshet("push m clicks.csv --progress none");
  ASSERT_EQ(pushed.code, 0) << pushed.err;
  EXPECT_THAT(pushed.out, StartsWith("m: learned 400 rows"));
  EXPECT_THAT(pushed.err, AllOf(HasSubstr("m: from now on, fields are read as in clicks.csv:"),
                                ContainsRegex("user_id +category"), ContainsRegex("age +number"),
                                ContainsRegex("title +text"), ContainsRegex("clicked +label")));
  const CommandResult again = Freshet("push m clicks.csv --progress none");
  EXPECT_EQ(again.code, 0);
  EXPECT_THAT(again.err, Not(HasSubstr("from now on")));

  Write("row.csv", "age,user_id,title\n33,101,Offer TODAY\n");
  Write("row.jsonl", R"({"title":"offer today","user_id":101,"age":33})");
  Write("row.tsv", "user_id\tage\ttitle\n101\t33\toffer, today\n");
  const std::string prediction = First(Freshet("predict m row.csv"));
  EXPECT_GT(std::stod(prediction), 0.6) << prediction;
  EXPECT_EQ(First(Freshet("predict m row.jsonl")), prediction);
  EXPECT_EQ(First(Freshet("predict m row.tsv")), prediction);
  const CommandResult explained = Freshet(R"(explain m '{"user_id":101,"age":33}')");
  EXPECT_THAT(explained.out, AllOf(HasSubstr("user_id"), HasSubstr("101")));

  httplib::Client http("http://" + site_.server().http_address());
  const auto answer = http.Post("/v1/models/m:predict",
                                R"({"title":"offer today","user_id":101,"age":33})"
                                "\n",
                                "application/x-ndjson");
  ASSERT_EQ(answer->status, 200) << answer->body;
  ASSERT_THAT(answer->body, StartsWith("{\"predictions\":["));
  EXPECT_NEAR(std::stod(answer->body.substr(16)), std::stod(prediction), 1e-6);
  EXPECT_FALSE(answer->has_header("Freshet-Warning"));
}

TEST_F(InputMappingTest, LearnsPlainRowsOverHttp) {
  ASSERT_EQ(Freshet("models create m --map clicked=label --map user=category --map n=number").code,
            0);
  httplib::Client http("http://" + site_.server().http_address());
  const auto learned = http.Post("/v1/models/m:learn",
                                 "\xef\xbb\xbf"
                                 R"({"user":"ann","n":"0.5","clicked":"yes"})"
                                 "\n"
                                 R"({"user":"bob","n":2,"clicked":false})"
                                 "\n",
                                 "application/x-ndjson");
  ASSERT_EQ(learned->status, 200) << learned->body;
  EXPECT_EQ(site_.client().GetModel("m")->example_count(), 2u);
  EXPECT_THAT(Freshet("weights m").out, AllOf(HasSubstr("ann"), HasSubstr("bob")));
  const auto bad = http.Post("/v1/models/m:learn",
                             R"({"user":"ann","n":1,"clicked":1})"
                             "\n"
                             R"({"user":"ann","n":"many"})"
                             "\n",
                             "application/x-ndjson");
  EXPECT_EQ(bad->status, 400);
  EXPECT_THAT(bad->body, AllOf(HasSubstr("row 1: column"), HasSubstr("\\\"n\\\"")));
  EXPECT_EQ(site_.client().GetModel("m")->example_count(), 2u);
  const auto odd = http.Post("/v1/models/m:predict", "{\"usr\":\"ann\"}\n", "application/x-ndjson");
  EXPECT_EQ(odd->status, 200);
  EXPECT_THAT(odd->get_header_value("Freshet-Warning"), HasSubstr("row 0: "));
}

// A misspelt column used to go unnoticed.
TEST_F(InputMappingTest, WarnsOfRowsThatAreNotLikeThoseLearned) {
  WriteClicks("clicks.csv");
  ASSERT_EQ(Freshet("models create m --like clicks.csv").code, 0);
  ASSERT_EQ(Freshet("push m clicks.csv --progress none").code, 0);
  Write("row.csv", "age,userid,title\n33,101,offer\n");
  const CommandResult predicted = Freshet("predict m row.csv");
  EXPECT_EQ(predicted.code, 0);
  EXPECT_THAT(predicted.err,
              AllOf(HasSubstr("warning: row.csv:1: the header has no column \"user_id\""),
                    HasSubstr("column \"userid\" is not in the model's input mapping")));
  const CommandResult overridden = Freshet("predict m row.csv --numeric title --ignore userid");
  EXPECT_THAT(overridden.err, HasSubstr("--numeric reads \"title\" as number; the model's input "
                                        "mapping says text"));
}

TEST_F(InputMappingTest, SurvivesACrashAndTravelsWithASnapshot) {
  WriteClicks("clicks.csv");
  ASSERT_EQ(Freshet("models create m --like clicks.csv").code, 0);
  ASSERT_EQ(Freshet("push m clicks.csv --progress none").code, 0);
  ASSERT_EQ(Freshet("models update m --map age=category").code, 0);
  ASSERT_NO_FATAL_FAILURE(site_.KillAndStart());
  EXPECT_THAT(Freshet("models describe m").out, AllOf(ContainsRegex("input category +user_id, age"),
                                                      ContainsRegex("input label +clicked")));
  ASSERT_EQ(Freshet("snapshots create m s").code, 0);
  ASSERT_EQ(Freshet("models create copy --from-snapshot m/s").code, 0);
  EXPECT_THAT(Freshet("models describe copy").out, ContainsRegex("input category +user_id, age"));
  ASSERT_EQ(Freshet("models update copy --no-mapping").code, 0);
  EXPECT_THAT(Freshet("models describe copy").out, Not(HasSubstr("input ")));
}

TEST_F(InputMappingTest, ARowOfStandardInputIsLookedAtAndNotLost) {
  ASSERT_EQ(Freshet("models create m").code, 0);
  const CommandResult pushed = RunCommand(
      {"/bin/sh", "-c",
       StrCat(R"(printf 'label,n\n1,0.5\n0,1.5\n1,2.5\n' | )", BinaryDir(), "/freshet --server ",
              site_.server().address(), " push m - --progress none")});
  EXPECT_EQ(pushed.code, 0) << pushed.err;
  EXPECT_THAT(pushed.err, ContainsRegex("n +number"));
  EXPECT_EQ(site_.client().GetModel("m")->example_count(), 3u);
}

TEST_F(InputMappingTest, SaysWhatToDoIfTheLabelIsUnclear) {
  Write("a.csv", "x,y2,z\n1,a,b\n0,c,d\n1,e,f\n");
  ASSERT_EQ(Freshet("models create m").code, 0);
  const CommandResult pushed = Freshet("push m a.csv --progress none");
  EXPECT_EQ(pushed.code, 65);
  EXPECT_THAT(pushed.err, AllOf(HasSubstr("name it with --label"), HasSubstr("x")));
  Write("b.csv", "label,z\n10,b\n20,d\n30,f\n");
  EXPECT_THAT(Freshet("push m b.csv --progress none").err, HasSubstr("--positive"));
  EXPECT_EQ(Freshet("push m b.csv --positive '>=15' --progress none").code, 0);
  // The rule belongs to the model now.
  EXPECT_EQ(Freshet("push m b.csv --progress none").code, 0);
  EXPECT_EQ(site_.client().GetModel("m")->example_count(), 6u);
}

TEST_F(InputMappingTest, ALabelOfManyValuesCallsForAnotherLoss) {
  WriteRows("prices.csv", "rooms,price\n", 50,
            [](int i) { return StrCat(i % 5, ",", 100 + i, ".5\n"); });
  const CommandResult created = Freshet("models create p --like prices.csv --label price");
  EXPECT_EQ(created.code, 0) << created.err;
  EXPECT_THAT(created.out, AllOf(HasSubstr("the loss is squared"), HasSubstr("squared loss")));
  EXPECT_EQ(Freshet("push p prices.csv --progress none").code, 0);
}

// The former label used to stay a second one, so that the change was refused.
TEST_F(InputMappingTest, AnotherLabelReplacesTheFormerOne) {
  WriteClicks("clicks.csv");
  ASSERT_EQ(Freshet("models create m --like clicks.csv").code, 0);
  const CommandResult updated = Freshet("models update m --label bought");
  EXPECT_EQ(updated.code, 0) << updated.err;
  EXPECT_THAT(updated.out,
              AllOf(ContainsRegex("input label +bought"), ContainsRegex("input ignore +clicked")));
  const CommandResult misspelt = Freshet("models create n --like clicks.csv --numeric agee");
  EXPECT_EQ(misspelt.code, 64);
  EXPECT_THAT(misspelt.err, HasSubstr("clicks.csv: it has no column \"agee\"; the columns are: "));
}

TEST_F(InputMappingTest, RefusesAMappingThatContradictsItself) {
  const CommandResult twice = Freshet("models create m --map a=label --map b=label");
  EXPECT_EQ(twice.code, 64);
  EXPECT_THAT(twice.err, HasSubstr("field \"b\" is the second label"));
  Write("a.vw", "1 |a b\n");
  EXPECT_THAT(Freshet("models create m --like a.vw").err, HasSubstr("leave out --like"));
  EXPECT_NE(Freshet("models create m --like missing.csv").code, 0);
  EXPECT_THAT(Freshet("models list --json").out, Not(HasSubstr("models/m")));
}

// Files as people have them, without any flag.
class MessyFileTest : public InputMappingTest {
 protected:
  // Creates a model like the file, and learns the file.
  void Try(const std::string& file, int rows) {
    const CommandResult created = Freshet("models create m --like " + file);
    ASSERT_EQ(created.code, 0) << created.err;
    shown_ = created.out;
    const CommandResult pushed = Freshet("push m " + file + " --progress none");
    EXPECT_EQ(pushed.code, 0) << pushed.err;
    EXPECT_THAT(pushed.err, IsEmpty());
    EXPECT_EQ(site_.client().GetModel("m")->example_count(), static_cast<uint64_t>(rows));
  }

  std::string shown_;
};

TEST_F(MessyFileTest, ASpreadsheetWithSemicolonsAndDecimalCommas) {
  WriteRows("shop.csv", "sep=;\r\nNr;Datum;Betrag;Kunde_Id;Kommentar;gekauft\r\n", 120, [](int i) {
    return StrCat(i, ";0", 1 + i % 9, ".03.2026;", i, ",", i % 10, "0;", 4711 + i % 20,
                  ";\"sehr; gute Ware Nummer ", i, "\";", i % 3 == 0 ? "ja" : "nein", "\r\n");
  });
  Try("shop.csv", 120);
  EXPECT_THAT(shown_,
              AllOf(ContainsRegex("Datum +time %d.%m.%Y"), ContainsRegex("Betrag +number"),
                    ContainsRegex("Kunde_Id +category"), ContainsRegex("Kommentar +text"),
                    ContainsRegex("gekauft +label, positive =ja"), HasSubstr("decimal comma")));
}

TEST_F(MessyFileTest, ATableWrittenByPandas) {
  WriteRows("frame.csv", ",amount,merchant,note,is_fraud\n", 100, [](int i) {
    return StrCat(i, ",", i % 9 == 0 ? "NaN" : StrCat(i, ".25"), ",\"shop, ", i % 4,
                  "\",\"line one\nline two of ", i, "\",", i % 10 == 0 ? "True" : "False", "\n");
  });
  Try("frame.csv", 100);
  EXPECT_THAT(shown_, AllOf(ContainsRegex("amount +number"), ContainsRegex("merchant +category"),
                            ContainsRegex("note +text"), ContainsRegex("is_fraud +label")));
}

TEST_F(MessyFileTest, NestedEventsOfJson) {
  WriteRows("events.jsonl", "", 100, [](int i) {
    return StrCat(R"({"event_id":"e)", i, R"(","ts":)", 1767139200000 + i * 60000LL,
                  R"(,"user":{"id":)", 9007199254740993 + i % 5, R"(,"age":)",
                  i % 7 == 0 ? "null" : StrCat(20 + i % 30), R"(},"tags":["a","b)", i % 3,
                  R"("],"outcome":{"clicked":")", i % 2 == 0 ? "yes" : "no", "\"}}\n");
  });
  Try("events.jsonl", 100);
  EXPECT_THAT(shown_,
              AllOf(ContainsRegex("event_id +event_id"), ContainsRegex("ts +time"),
                    ContainsRegex("user.id +category"), ContainsRegex("user.age +number"),
                    ContainsRegex("tags +category"), ContainsRegex("outcome.clicked +label")));
}

TEST_F(MessyFileTest, TabsWithAByteOrderMarkAndLabelsOneAndTwo) {
  WriteRows("t.tsv", "\xef\xbb\xbfweight\ttarget\tscore\tcountry code\r\n", 90, [](int i) {
    return StrCat("1.", i % 10, "\t", 1 + i % 2, "\t", i % 11 == 0 ? "?" : StrCat(i * 3), "\t0",
                  49 + i % 3, "\r\n");
  });
  Try("t.tsv", 90);
  EXPECT_THAT(shown_,
              AllOf(ContainsRegex("weight +weight"), ContainsRegex("target +label, positive =2"),
                    ContainsRegex("score +number"), ContainsRegex("country code +category")));
}

TEST_F(MessyFileTest, BlanksAfterCommasAndWordsForMissingValues) {
  WriteRows("adult.csv", "age, workclass, hours, capital, income\n", 200, [](int i) {
    return StrCat(17 + i % 60, ", ", i % 5 == 0 ? "?" : "Private", ", ", 20 + i % 40, ", ",
                  i == 100 ? "unknown" : StrCat(i * 7), ", ", i % 4 == 0 ? ">50K" : "<=50K", "\n");
  });
  Try("adult.csv", 200);
  EXPECT_THAT(shown_, AllOf(ContainsRegex("age +number"), ContainsRegex("workclass +category"),
                            ContainsRegex("hours +number"), ContainsRegex("capital +number"),
                            ContainsRegex("income +label, positive =>50K"),
                            HasSubstr("text that means no value: unknown")));
}

}  // namespace
}  // namespace freshet
