#include "core/format/row_format.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/str_cat.h"
#include "core/feature/hash.h"
#include "core/feature/new_names.h"
#include "tests/core/format/rows.h"

namespace freshet {
namespace {

std::string Guess(std::string_view path, std::string_view line) {
  const auto guess = GuessFormat(path, line);
  return guess.ok() ? *guess : std::string(guess.status().message());
}

TEST(GuessFormatTest, GoesByTheEndingOfTheName) {
  EXPECT_EQ(Guess("a/b.vw", "x"), "vw");
  EXPECT_EQ(Guess("b.vw.gz", "x"), "vw");
  EXPECT_EQ(Guess("b.svm", "x"), "svmlight");
  EXPECT_EQ(Guess("b.svmlight.zst", "x"), "svmlight");
  EXPECT_EQ(Guess("b.libsvm", "x"), "svmlight");
  EXPECT_EQ(Guess("b.csv.zstd", "1 |f x"), "csv");
  EXPECT_EQ(Guess("b.tsv", "x"), "tsv");
  EXPECT_EQ(Guess("b.jsonl.gz", "x"), "jsonl");
  EXPECT_EQ(Guess("b.ndjson", "x"), "jsonl");
  EXPECT_EQ(Guess("B.CSV.GZ", "x"), "csv");
}

TEST(GuessFormatTest, GoesByTheFirstLineElse) {
  EXPECT_EQ(Guess("-", "1 |f a b:2"), "vw");
  EXPECT_EQ(Guess("", "|f a,b"), "vw");
  EXPECT_EQ(Guess("data.txt", "1 tag| a"), "vw");
  EXPECT_EQ(Guess("-", "+1 3:0.5 7:1"), "svmlight");
  EXPECT_EQ(Guess("-", "-1.5 qid:3 7:1"), "svmlight");
  EXPECT_EQ(Guess("-", " {\"label\": 1}"), "jsonl");
  EXPECT_EQ(Guess("-", "date,delay,origin"), "csv");
  EXPECT_EQ(Guess("-", "a,b|c"), "csv");
  EXPECT_EQ(Guess("-", "date\tdelay, minutes"), "tsv");
  EXPECT_EQ(Guess("-", "date;delay"), "csv");
  EXPECT_EQ(Guess("-", "1:2.5 3:1"), "svmlight");
  EXPECT_EQ(Guess("-", "0  21 : .5"), "svmlight");
  // Bars separate cells, too.
  EXPECT_EQ(Guess("-", "label|age|site"), "csv");
  EXPECT_EQ(Guess("-", "tag|f a b"), "vw");
  EXPECT_EQ(Guess("-", "'tag|f"), "vw");
  EXPECT_EQ(Guess("-", "1|f"), "vw");
  EXPECT_EQ(
      Guess("a.json", "[{\"label\": 1},"),
      "a.json looks like one JSON array; convert it to one object per line, as jq -c '.[]' does");
  const std::string unknown =
      " from its name or its first line; say --format vw, svmlight, csv, tsv or jsonl";
  EXPECT_EQ(Guess("-", "hello"), "cannot tell the format of standard input" + unknown);
  EXPECT_EQ(Guess("a.txt", ""), "cannot tell the format of a.txt" + unknown);
}

TEST(MakeRowFormatTest, KnowsEveryName) {
  for (const std::string_view name : FormatNames()) EXPECT_TRUE(MakeRowFormat(name, {}).ok());
  EXPECT_EQ(MakeRowFormat("xml", {}).status().message(),
            "unknown format \"xml\"; the formats are vw, svmlight, csv, tsv, jsonl");
  EXPECT_EQ(
      MakeRowFormat("parquet", {}).status().message(),
      "unknown format \"parquet\"; the formats are vw, svmlight, csv, tsv, jsonl; convert the "
      "file to csv or jsonl first, as in Python with "
      "pandas.read_parquet('FILE').to_csv('FILE.csv', index=False)");
}

TEST(MakeRowFormatTest, RefusesOptionsOfOtherFormats) {
  FormatOptions options;
  options.label_field = "y";
  EXPECT_EQ(MakeRowFormat("vw", options).status().message(),
            "--label is for csv, tsv and jsonl, not for the format vw");
  options = {};
  options.numeric_fields = {"n"};
  EXPECT_EQ(MakeRowFormat("svmlight", options).status().message(),
            "--numeric is for csv, tsv and jsonl, not for the format svmlight");
  EXPECT_TRUE(MakeRowFormat("jsonl", options).ok());
  options.delimiter = ";";
  EXPECT_EQ(MakeRowFormat("jsonl", options).status().message(),
            "--delimiter is for csv and tsv, not for the format jsonl");
  for (const auto& set : std::vector<void (*)(FormatOptions&)>{
           [](FormatOptions& o) { o.weight_field = "w"; },
           [](FormatOptions& o) { o.ignore_fields = {"i"}; },
           [](FormatOptions& o) { o.time_features_field = "t"; },
           [](FormatOptions& o) { o.time_format = "s"; },
           [](FormatOptions& o) { o.missing.emplace(); },
           [](FormatOptions& o) { o.decimal_mark = DecimalMark::kComma; },
           [](FormatOptions& o) { o.keep_blanks = true; }}) {
    FormatOptions one;
    set(one);
    EXPECT_FALSE(MakeRowFormat("vw", one).ok());
    EXPECT_TRUE(MakeRowFormat("tsv", one).ok());
  }
}

// An example has the same features in whatever format it is written.
TEST(RowFormatTest, FormatsAgreeOnIds) {
  const std::vector<PlainRow> rows = {
      {1, 2, {Named("user", "ann"), Named("user", "17", 0.5f), Named("ad", "x=1", -3)}}};
  FormatTester vw("vw", {});
  vw.RowOf("1 2 |user ann 17:0.5 |ad x=1:-3");
  EXPECT_EQ(vw.rows(), rows);
  FormatTester proto("jsonl", {});
  proto.RowOf(
      R"({"label":1,"weight":2,"namespaces":[{"name":"user","features":[{"name":"ann"},)"
      R"({"name":"17","value":0.5}]},{"name":"ad","features":[{"name":"x=1","value":-3}]}]})");
  EXPECT_EQ(proto.rows(), rows);
  ExampleBatchBuilder builder;
  builder.BeginRow(1, 2);
  for (const PlainFeature& feature : rows[0].features) {
    builder.AddFeature(builder.Namespace(feature.ns), feature.id, feature.value);
  }
  builder.EndRow();
  EXPECT_EQ(RowsOf(builder), rows);

  FormatTester svmlight("svmlight", {});
  FormatTester indices("vw", {});
  EXPECT_EQ(svmlight.RowOf("1 3:0.1 11:1"), indices.RowOf("1 | 3:0.1 11"));

  FormatOptions csv_options;
  csv_options.numeric_fields = {"age"};
  FormatTester csv("csv", csv_options);
  FormatTester json("jsonl", {});
  csv.Feed("label,user,age");
  EXPECT_EQ(csv.RowOf("1,17,0.3"), json.RowOf(R"({"label": 1, "user": "17", "age": 0.3})"));
}

// Once, all formats but csv refused labels of 1 and 2, and labels that are words.
TEST(RowFormatTest, EveryFormatTakesARuleForLabels) {
  const auto labels = [](std::string_view format, std::string_view positive,
                         const std::vector<std::string>& lines) {
    FormatTester tester(format, {.positive = std::string(positive)});
    std::vector<float> found;
    for (const std::string& line : lines) {
      if (tester.Feed(line) == "row") found.push_back(tester.rows().back().label);
    }
    return found;
  };
  const std::vector<float> expected = {0, 1};
  EXPECT_EQ(labels("svmlight", "=2", {"1 1:1", "2 2:1"}), expected);
  EXPECT_EQ(labels("svmlight", "=b", {"a 1:1", "b 2:1"}), expected);
  EXPECT_EQ(labels("vw", ">1", {"1 |f a", "2 0.5 |f b"}), expected);
  EXPECT_EQ(labels("vw", "=click", {"none |f a", "click |f b"}), expected);
  EXPECT_EQ(labels("csv", "=2", {"label,a", "1,x", "2,x"}), expected);
  EXPECT_EQ(labels("tsv", "!=1", {"label\ta", "1\tx", "2\tx"}), expected);
  EXPECT_EQ(labels("jsonl", "=2", {R"({"label": 1})", R"({"label": 2})"}), expected);
  EXPECT_EQ(labels("jsonl", "=2", {R"({"label": "1"})", R"({"label": "2"})"}), expected);
  EXPECT_EQ(labels("jsonl", "=b", {R"({"label": "a"})", R"({"label": "b"})"}), expected);
  EXPECT_EQ(labels("jsonl", "=1", {R"({"label": false})", R"({"label": true})"}), expected);
  for (const std::string_view format : FormatNames()) {
    EXPECT_EQ(MakeRowFormat(format, {.positive = "2"}).status().message(),
              "--positive \"2\": it must start with one of >= > <= < = !=, as in '>=15' or '=yes'")
        << format;
  }
}

TEST(RowFormatTest, EveryFormatRefusesTextThatIsNotUtf8AndGoesOn) {
  const auto errors = [](std::string_view format, const std::vector<std::string>& lines) {
    FormatTester tester(format, {});
    std::string all;
    for (const std::string& line : lines) all += tester.Feed(line).substr(0, 20) + "|";
    return all;
  };
  EXPECT_EQ(errors("vw", {"1 |pr\xe9nom zoe", "1 'z\xe9| a", "0 |prénom max"}),
            "column 6: not UTF-8:|column 5: not UTF-8:|row|");
  EXPECT_EQ(errors("svmlight", {"1 1:\xe9", "1 1:1 # Zo\xe9", "0 1:1"}),
            "column 5: not UTF-8:|row|row|");
  EXPECT_EQ(
      errors("jsonl", {"{\"label\": 1, \"a\": \"Zo\xe9\"}", "{\"label\": 1, \"a\": \"Zoé\"}"}),
      "column 22: not UTF-8|row|");
}

TEST(RowFormatTest, TheSameNumberMeansTheSameInEveryFormat) {
  for (const std::string number : {"0.1", "16777217", "1.00000005960464477", "3e-39", "0.30000001",
                                   "-7.00649e-45", "123456789.123456789"}) {
    FormatTester vw("vw", {});
    FormatTester json("jsonl", {});
    EXPECT_EQ(vw.RowOf("1 |x x:" + number), json.RowOf("{\"label\": 1, \"x\": " + number + "}"));
  }
}

// The names that a format notes for these lines, as namespace^name. Checks that each hashes to the
// id of a feature.
std::vector<std::string> NamesIn(std::string_view format_name, FormatOptions options,
                                 const std::vector<std::string>& lines) {
  const auto format = MakeRowFormat(format_name, std::move(options));
  EXPECT_TRUE(format.ok()) << format.status();
  NewNames names;
  ExampleBatchBuilder builder;
  builder.KeepNames(&names);
  (*format)->BeginFile("test");
  for (const std::string& line : lines) {
    const auto row = (*format)->ParseLine(line, builder);
    EXPECT_TRUE(row.ok()) << row.status();
  }
  const auto ids = builder.View().feature_ids;
  std::vector<std::string> found;
  names.TakeIf([&](const NewNames::Name& name) {
    EXPECT_EQ(name.id, HashFeature(name.name, HashNamespace(name.name_space))) << name.name;
    EXPECT_NE(std::find(ids.begin(), ids.end(), name.id), ids.end()) << name.name;
    found.push_back(StrCat(name.name_space, "^", name.name));
    return true;
  });
  std::sort(found.begin(), found.end());
  return found;
}

TEST(RowFormatTest, TellsTheNamesOfFeatures) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(NamesIn("vw", {}, {"1 |user u42 age:0.3 |ad a7", "1 |user u42 :0.5 17:2 |f x:0"}),
            Names({"ad^a7", "user^17", "user^age", "user^u42"}));
  EXPECT_EQ(NamesIn("csv", {.numeric_fields = {"size"}, .time_features_field = "at"},
                    {"label,size,kind,at", "1,2.5,red,2001-01-01 09:30"}),
            Names({"at^hour=09", "at^month_day=01-01", "at^weekday=mon", "at^weekday_hour=mon_09",
                   "kind^red", "size^size"}));
  EXPECT_EQ(NamesIn("jsonl", {},
                    {R"({"label": 1, "user": "u42", "age": 3, "new": true, "tags": ["a", "b"],)"
                     R"( "stats": {"clicks": 0.5, "kind": "red", "on": false},)"
                     R"( "namespaces": [{"name": "n", "features": [{"name": "f"}]}]})"}),
            Names({"age^age", "n^f", "new^true", "stats^clicks", "stats^kind=red", "stats^on=false",
                   "tags^a", "tags^b", "user^u42"}));
  // An index has no name.
  EXPECT_EQ(NamesIn("svmlight", {}, {"1 3:0.5"}), Names());
}

}  // namespace
}  // namespace freshet
