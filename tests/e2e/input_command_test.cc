// Files from elsewhere, through push and predict.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/str_cat.h"
#include "tests/e2e/transfer_site.h"
#include "tests/support/server_process.h"
#include "tests/support/temporary_folder.h"

namespace freshet {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class InputCommandTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(site_.Start());
    ASSERT_EQ(Freshet("models create m --bits 12").code, 0);
  }

  CommandResult Freshet(const std::string& arguments) {
    return site_.Freshet(folder_.path(), arguments);
  }

  void Write(const std::string& name, std::string_view text) const {
    std::ofstream(folder_.path() + "/" + name, std::ios::binary) << text;
  }

  uint64_t Examples() { return site_.client().GetModel("m")->example_count(); }

  TemporaryFolder folder_;
  Site site_;
};

TEST_F(InputCommandTest, AFlagOfColumnsLeavesTheFileBehindItAlone) {
  Write("a.csv", "label,age,id\n1,30,7\n0,40,8\n");
  const CommandResult pushed = Freshet("push m --numeric age --ignore id a.csv --progress none");
  EXPECT_EQ(pushed.code, 0) << pushed.err;
  EXPECT_THAT(pushed.out, StartsWith("m: learned 2 rows, in "));
  EXPECT_EQ(Examples(), 2u);
}

TEST_F(InputCommandTest, SaysWhatWasLearnedAndWhatWasSkipped) {
  Write("a.vw", "1 |pr\xe9nom zoe\n1 |p zoe\n7 |p max\n0 |p max\n");
  const CommandResult strict = Freshet("push m a.vw --progress none");
  EXPECT_EQ(strict.code, 65);
  EXPECT_THAT(strict.err, HasSubstr("a.vw:1: column 6: not UTF-8"));
  EXPECT_THAT(strict.err, HasSubstr("nothing was learned"));
  const CommandResult skipping = Freshet("push m a.vw --skip-errors --progress none");
  EXPECT_EQ(skipping.code, 0);
  EXPECT_THAT(skipping.out, StartsWith("m: learned 2 rows, 2 skipped, in "));
  EXPECT_THAT(skipping.err, AllOf(HasSubstr("skipped a.vw:1: "), HasSubstr("skipped a.vw:3: ")));
  const CommandResult json = Freshet("push m a.vw --skip-errors --progress none --json");
  EXPECT_THAT(json.out, HasSubstr(R"("learned":2,"known":0,"rejected":2)"));
  EXPECT_EQ(Examples(), 4u);
}

// The command used to report that it had learned all of them again.
TEST_F(InputCommandTest, CountsRowsApartThatTheProducerHadPushedBefore) {
  Write("a.vw", "1 |p zoe\n0 |p max\n");
  const std::string push = "push m a.vw --progress none --producer-id daily";
  EXPECT_THAT(Freshet(push).out, StartsWith("m: learned 2 rows, in "));
  EXPECT_THAT(Freshet(push).out, StartsWith("m: 0 new rows, 2 already known, in "));
  EXPECT_EQ(Examples(), 2u);
}

TEST_F(InputCommandTest, WideRowsAreCutIntoBatchesThatFit) {
  std::string wide;
  for (int row = 0; row < 600; ++row) {
    wide += row % 2 == 0 ? "1 |a" : "0 |a";
    for (int i = 0; i < 4000; ++i) wide += StrCat(" f", (row * 4000 + i) % 100'000, ":0.5");
    wide += "\n";
  }
  Write("wide.vw", wide);
  const CommandResult pushed = Freshet("push m wide.vw --progress none");
  EXPECT_EQ(pushed.code, 0) << pushed.err;
  EXPECT_EQ(Examples(), 600u);
  const CommandResult predicted = Freshet("predict m wide.vw");
  EXPECT_EQ(predicted.code, 0) << predicted.err;
  EXPECT_EQ(std::count(predicted.out.begin(), predicted.out.end(), '\n'), 600);
}

// What spreadsheets and data frames write.
TEST_F(InputCommandTest, ReadsTablesWithBlanksDeclaredDelimitersAndMissingWords) {
  Write("a.csv",
        "\xef\xbb\xbfsep=;\r\nlabel; age ;hour\r\n1;NaT;14102100.0\r\n  \r\n0;\" 0,5 \";NULL\r\n");
  const std::string push = "push m a.csv --decimal-comma --time-features ' hour' --progress none";
  const CommandResult wrong = Freshet(push + " --numeric 'age, height'");
  EXPECT_EQ(wrong.code, 65);
  EXPECT_THAT(wrong.err, HasSubstr("a.csv:2: column 1: --numeric names column \"height\", "));
  const CommandResult pushed = Freshet(push + " --numeric ' age'");
  EXPECT_EQ(pushed.code, 0) << pushed.err;
  EXPECT_EQ(Examples(), 2u);
  Write("b.csv", "\xef\xbb\xbfsep=;\r\nage;hour\r\n0,5;14102100\r\n");
  const CommandResult explained = Freshet("explain m - --numeric age --decimal-comma < b.csv");
  EXPECT_EQ(explained.code, 0) << explained.err;
  EXPECT_THAT(explained.out, HasSubstr("age^age"));
}

// A name that is not UTF-8 used to print an error of Protobuf's.
TEST_F(InputCommandTest, ANameThatIsNotUtf8IsNoName) {
  Write("a.vw", "1 |p zoe\n");
  for (const std::string command : {"push", "predict"}) {
    const CommandResult result = Freshet(command + " m\xe9 a.vw");
    EXPECT_EQ(result.code, 64);
    EXPECT_THAT(result.err, HasSubstr("is not the name of a model"));
    EXPECT_THAT(result.err, Not(HasSubstr("libprotobuf")));
  }
}

// Batches have at most 1,024 namespaces. Columns of several files, members of several rows and
// those of bad rows used to be added up.
TEST_F(InputCommandTest, RowsOfManyNamespacesAreCutIntoBatchesThatFit) {
  for (const std::string name : {"a", "b"}) {
    std::string header = "label";
    std::string row = "1";
    for (int i = 0; i < 700; ++i) {
      header += StrCat(",", name, i);
      row += ",x";
    }
    Write(name + ".csv", StrCat(header, "\n", row, "\n", row, "\n"));
  }
  std::string objects;
  for (int i = 0; i < 3000; ++i) objects += StrCat("{\"n", i, "\": \"x\", \"label\": \"?\"}\n");
  Write("c.ndjson", objects + "{\"u\": \"x\", \"label\": 0}\n");
  const std::string files = "a.csv b.csv c.ndjson a.csv --progress none";
  const CommandResult pushed = Freshet("push m --skip-errors " + files);
  EXPECT_EQ(pushed.code, 0) << pushed.err;
  EXPECT_THAT(pushed.out, StartsWith("m: learned 7 rows, 3,000 skipped, in "));
  const CommandResult shuffled = Freshet("push m --skip-errors --shuffle-buffer 4 " + files);
  EXPECT_EQ(shuffled.code, 0) << shuffled.err;
  EXPECT_EQ(Examples(), 14u);
  const CommandResult predicted = Freshet("predict m a.csv b.csv a.csv");
  EXPECT_EQ(predicted.code, 0) << predicted.err;
  EXPECT_EQ(std::count(predicted.out.begin(), predicted.out.end(), '\n'), 6);
}

TEST_F(InputCommandTest, FilesOfSeveralFormatsAreReadEachInItsOwn) {
  Write("a.vw", "1 |u a\n");
  Write("b.csv", "label,u\r0,b\r1,c");
  Write("c.ndjson", "{\"label\": \"no\", \"u\": \"d\"}\n");
  const CommandResult pushed = Freshet("push m a.vw b.csv c.ndjson --progress none");
  EXPECT_EQ(pushed.code, 0) << pushed.err;
  EXPECT_EQ(Examples(), 4u);
  Write("d.csv", std::string_view("\xff\xfel\0a\0b\0e\0l\0\n\0", 14));
  const CommandResult refused = Freshet("push m d.csv --progress none");
  EXPECT_EQ(refused.code, 65);
  EXPECT_THAT(refused.err, HasSubstr("d.csv is UTF-16 text; convert it to UTF-8 first"));
  Write("e.csv", "label,u\n");
  const CommandResult empty = Freshet("push m e.csv --progress none");
  EXPECT_EQ(empty.code, 0);
  EXPECT_THAT(empty.err, HasSubstr("the input has no rows"));
  EXPECT_THAT(pushed.err, Not(HasSubstr("the input has no rows")));
  EXPECT_EQ(Examples(), 4u);
}

// What evaluate prints is the loss of the predictions that predict prints.
TEST_F(InputCommandTest, EvaluatesWithoutLearning) {
  Write("a.vw", "1 |p zoe\n0 |p max\n1 |p zoe\n0 |p max\n1 |p zoe\n");
  ASSERT_EQ(Freshet("push m a.vw --progress none").code, 0);
  const std::string digest = site_.DigestOf("m");
  Write("b.csv", "y,w,p\nyes,2,zoe\nno,1,max\nno,0.5,zoe\n");
  const std::string flags = " m b.csv --label y --weight w";
  const CommandResult predicted = Freshet("predict" + flags);
  std::istringstream lines(predicted.out);
  double loss = 0;
  for (const auto& [positive, weight] :
       std::vector<std::pair<bool, double>>{{true, 2}, {false, 1}, {false, 0.5}}) {
    double prediction = 0;
    double score = 0;
    ASSERT_TRUE(lines >> prediction >> score) << predicted.out;
    loss -= weight * std::log(positive ? prediction : 1 - prediction);
  }
  const CommandResult json = Freshet("evaluate --json" + flags);
  EXPECT_EQ(json.code, 0) << json.err;
  const std::string key = R"("weightSum":3.5,"loss":)";
  EXPECT_THAT(json.out, StartsWith(R"({"model":"m","rows":3,"rejected":0,)"));
  ASSERT_THAT(json.out, HasSubstr(key));
  EXPECT_NEAR(std::strtod(json.out.c_str() + json.out.find(key) + key.size(), nullptr), loss / 3.5,
              1e-5);
  EXPECT_THAT(json.out, HasSubstr("\"auc\":0.8"));  // 2 * 1 + 2 * 0.5 / 2 of 2 * 1.5.
  const CommandResult text = Freshet("evaluate" + flags);
  EXPECT_THAT(text.out, AllOf(StartsWith("m: evaluated 3 rows, at offset 1\n"),
                              HasSubstr("base rate"), HasSubstr("AUC"), HasSubstr("calibration")));
  EXPECT_EQ(site_.DigestOf("m"), digest);
}

TEST_F(InputCommandTest, EvaluateNeedsLabels) {
  Write("a.vw", "1 |p zoe\n7 |p max\n|p max\n");
  const CommandResult strict = Freshet("evaluate m a.vw");
  EXPECT_EQ(strict.code, 65);
  EXPECT_THAT(strict.err, AllOf(HasSubstr("a.vw:2: "), HasSubstr("--skip-errors")));
  const CommandResult skipping = Freshet("evaluate m a.vw --skip-errors");
  EXPECT_EQ(skipping.code, 0) << skipping.err;
  EXPECT_THAT(skipping.out, StartsWith("m: evaluated 1 row, 2 skipped, at offset 0\n"));
  EXPECT_THAT(skipping.err, HasSubstr("skipped a.vw:3: "));
  Write("empty.vw", "");
  EXPECT_EQ(Freshet("evaluate m empty.vw").code, 65);
  EXPECT_EQ(Freshet("evaluate none a.vw").code, 66);
}

TEST_F(InputCommandTest, KeepsColumnsBesidePredictions) {
  Write("a.csv", "id,p,note\n9007199254740993,zoe,\"a, \"\"b\"\"\"\n007,max,\n");
  const CommandResult csv = Freshet("predict m a.csv --output csv --keep note --keep id");
  EXPECT_EQ(csv.code, 0) << csv.err;
  EXPECT_EQ(csv.out,
            "note,id,prediction,score\n"
            "\"a, \"\"b\"\"\",9007199254740993,0.5,0\n"
            ",007,0.5,0\n");
  EXPECT_EQ(Freshet("predict m a.csv --output jsonl --keep id --ignore id").out,
            "{\"id\":\"9007199254740993\",\"prediction\":0.5,\"score\":0}\n"
            "{\"id\":\"007\",\"prediction\":0.5,\"score\":0}\n");
  Write("b.jsonl",
        "{\"id\": 9007199254740993, \"u\": {\"name\": \"z\\u00f6e, x\", \"t\": [1, \"a\"]}}\n"
        "{\"u\": {\"name\": null}}\n");
  EXPECT_EQ(Freshet("predict m b.jsonl --output jsonl --keep id --keep u.name --keep u.t").out,
            "{\"id\":9007199254740993,\"u.name\":\"z\u00f6e, x\",\"u.t\":[1, \"a\"],"
            "\"prediction\":0.5,\"score\":0}\n"
            "{\"id\":null,\"u.name\":null,\"u.t\":null,\"prediction\":0.5,\"score\":0}\n");
  EXPECT_EQ(Freshet("predict m b.jsonl --output csv --keep id --keep u.name").out,
            "id,u.name,prediction,score\n"
            "9007199254740993,\"z\u00f6e, x\",0.5,0\n"
            ",,0.5,0\n");
  Write("none.csv", "id,p\n");
  EXPECT_EQ(Freshet("predict m none.csv --output csv --keep id").out, "id,prediction,score\n");
  Write("c.vw", "'row1 |p zoe\n|p max\n");
  EXPECT_EQ(Freshet("predict m c.vw --output csv --keep tag").out,
            "tag,prediction,score\nrow1,0.5,0\n,0.5,0\n");
}

TEST_F(InputCommandTest, SaysWhyAColumnCannotBeKept) {
  Write("a.csv", "id,p\n1,zoe\n");
  Write("a.vw", "|p zoe\n");
  const CommandResult missing = Freshet("predict m a.csv --output csv --keep di");
  EXPECT_EQ(missing.code, 65);
  EXPECT_EQ(missing.out, "");
  EXPECT_THAT(missing.err, HasSubstr("a.csv:2: --keep names column \"di\", which the header does "
                                     "not have; the columns are: id, p"));
  EXPECT_THAT(Freshet("predict m a.vw --output csv --keep p").err,
              HasSubstr("a.vw:1: --keep p: rows of this format have no named fields but the tag"));
  EXPECT_EQ(Freshet("predict m a.csv --keep id").code, 64);
  EXPECT_EQ(Freshet("predict m a.csv --output cvs").code, 64);
  EXPECT_EQ(Freshet("predict m a.csv --output csv --keep score").code, 64);
  EXPECT_EQ(Freshet("predict m a.csv --output csv --json").code, 64);
}

TEST_F(InputCommandTest, GeneratesTheSameStreamFurtherOnAndOthersOfItsWorld) {
  const auto generate = [&](const std::string& flags) {
    return Freshet("generate clicks --rows " + flags).out;
  };
  EXPECT_EQ(generate("15"), generate("10") + generate("5 --skip 10"));
  EXPECT_EQ(generate("5 --world-seed 1"), generate("5"));
  EXPECT_NE(generate("5 --world-seed 2"), generate("5"));
  // A model that has learned one stream predicts another one of its world, and none of another's.
  Write("a.vw", generate("20000"));
  ASSERT_EQ(Freshet("push m a.vw --progress none").code, 0);
  const auto auc = [&](const std::string& flags) {
    Write("b.vw", generate(flags));
    const std::string json = Freshet("evaluate m b.vw --json").out;
    return std::strtod(json.c_str() + json.find("\"auc\":") + 6, nullptr);
  };
  EXPECT_GT(auc("5000 --world-seed 1 --seed 2"), 0.65);
  EXPECT_LT(auc("5000 --seed 2"), 0.62);
}

TEST_F(InputCommandTest, GeneratesConversionsThatAModelWithALabelRuleLearns) {
  const CommandResult generated = Freshet(
      "generate conversions --rows 3000 --positive-share 0.3 --delay 1h --window 1d "
      "--events shown.jsonl --feedback sales.csv --truth truth.csv");
  ASSERT_EQ(generated.code, 0) << generated.err;
  EXPECT_THAT(generated.err, AllOf(HasSubstr("3,000 events over 0.1 days"),
                                   HasSubstr("63.2 % of them within 1h"), HasSubstr("log loss")));
  std::ifstream file(folder_.path() + "/sales.csv");
  uint64_t sales = 0;
  for (std::string line; std::getline(file, line);) sales += line.find(",sale,") < line.size();
  ASSERT_GT(sales, 600u);
  ASSERT_EQ(Freshet("models create ads --bits 12 --wait 1d --label-policy at-feedback "
                    "--feedback sale")
                .code,
            0);
  ASSERT_EQ(Freshet("push ads shown.jsonl --events --event-id id --time time --progress none").code,
            0);
  ASSERT_EQ(Freshet("feedback ads sales.csv --progress none").code, 0);
  const absl::Time deadline = absl::Now() + absl::Minutes(1);
  const auto matched = [&] { return site_.client().GetModel("ads")->labels().matched_count(); };
  while (matched() < sales && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(20));
  EXPECT_EQ(matched(), sales);
}

TEST_F(InputCommandTest, SaysWhyItCannotGenerateConversions) {
  const auto generate = [&](const std::string& flags) {
    return Freshet("generate conversions --rows 10 --feedback sales.csv " + flags);
  };
  const CommandResult full = generate("--events /dev/full");
  EXPECT_NE(full.code, 0);
  EXPECT_THAT(full.err, HasSubstr("cannot write to /dev/full"));
  const CommandResult narrow = generate("--events e --delay 6h --window 1h");
  EXPECT_EQ(narrow.code, 64);
  EXPECT_THAT(narrow.err, HasSubstr("--window 1h is shorter than --delay 6h"));
  EXPECT_EQ(generate("--events e --positive-share 1").code, 64);
  EXPECT_EQ(generate("--events e --events-per-hour 0").code, 64);
  EXPECT_EQ(generate("--events e --campaign-every soon").code, 64);
}

}  // namespace
}  // namespace freshet
