#include "core/format/jsonl_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/match.h"
#include "core/base/str_cat.h"
#include "tests/core/format/rows.h"

namespace freshet {
namespace {

using ::testing::StartsWith;

class JsonlFormatTest : public testing::Test {
 protected:
  PlainRow Row(std::string_view line) { return tester_.RowOf(line); }
  std::string Feed(std::string_view line) { return tester_.Feed(line); }

  FormatTester tester_{"jsonl", {}};
};

TEST_F(JsonlFormatTest, MakesFeaturesOfMembers) {
  EXPECT_EQ(Row(R"({"label": 1, "user": "ann", "age": 0.25, "new": true, "old": false})"),
            (PlainRow{1,
                      1,
                      {Named("user", "ann"), Named("age", "age", 0.25f), Named("new", "true"),
                       Named("old", "false")}}));
}

TEST_F(JsonlFormatTest, MakesSeveralFeaturesOfAnArrayOfStrings) {
  EXPECT_EQ(Row(R"({"words": ["a", "b", "", "17"], "label": 0, "none": []})"),
            (PlainRow{0, 1, {Named("words", "a"), Named("words", "b"), Named("words", "17")}}));
}

TEST_F(JsonlFormatTest, MakesANamespaceOfAnObject) {
  EXPECT_EQ(Row(R"({"label": -1, "ad": {"id": "x7", "price": 2, "video": true, "gap": null,
                    "empty": "", "sale": false}, "e": {}})"),
            (PlainRow{-1,
                      1,
                      {Named("ad", "id=x7"), Named("ad", "price", 2), Named("ad", "video=true"),
                       Named("ad", "sale=false")}}));
}

TEST_F(JsonlFormatTest, ReadsLabelWeightAndTagAnywhere) {
  EXPECT_EQ(Row(R"({"u": "a", "weight": 2.5, "tag": "t1", "label": 0.5})"),
            (PlainRow{0.5, 2.5, {Named("u", "a")}}));
  EXPECT_EQ(tester_.tag(), "t1");
  EXPECT_EQ(Row(R"({"label": true, "tag": 17 , "weight": null})"), (PlainRow{1, 1, {}}));
  EXPECT_EQ(tester_.tag(), "17");
  EXPECT_EQ(Row(R"({"label": false})"), (PlainRow{0, 1, {}}));
  EXPECT_EQ(tester_.tag(), "");
}

TEST_F(JsonlFormatTest, LeavesOutNullAndZero) {
  EXPECT_EQ(Row(R"({"label": 1, "a": null, "b": 0, "c": "", "d": -0.0, "e": 1e-60})"),
            (PlainRow{1, 1, {}}));
}

TEST_F(JsonlFormatTest, UndoesEscapes) {
  EXPECT_EQ(Row(R"({"label": 1, "caf\u00e9": "a\"b\\\n\ud83d\ude00"})"),
            (PlainRow{1, 1, {Named("café", "a\"b\\\n😀")}}));
  EXPECT_EQ(Row(R"({"label": 1, "café": "x"})"), (PlainRow{1, 1, {Named("café", "x")}}));
}

TEST_F(JsonlFormatTest, ReadsTheProtobufForm) {
  EXPECT_EQ(Row(R"({"label": 1, "weight": 3, "namespaces": [
                    {"name": "u", "features": [{"name": "x", "value": 2}, {"name": "y"}]},
                    {"features": [{"value": 0.5, "name": "12"}], "name": "v"},
                    {"features": [{"name": "z", "value": "1.5"}]}, {}]})"),
            (PlainRow{1,
                      3,
                      {Named("u", "x", 2), Named("u", "y"), Named("v", "12", 0.5f),
                       Named("", "z", 1.5f)}}));
}

TEST_F(JsonlFormatTest, SkipsBlankLines) {
  EXPECT_EQ(Feed(""), "none");
  EXPECT_EQ(Feed(" \t\r"), "none");
}

TEST_F(JsonlFormatTest, WantsALabelToLearnFromButNotToPredict) {
  EXPECT_EQ(Feed(R"({"a": "b"})"),
            "column 1: the member \"label\" is missing; a row to learn from must have one; --label "
            "names another");
  EXPECT_EQ(Feed(R"({"label": null})"), Feed(R"({"a": "b"})"));
  EXPECT_EQ(Feed(R"({"label": ""})"), Feed(R"({"a": "b"})"));
  FormatTester predicting("jsonl", {.labels_required = false});
  EXPECT_EQ(predicting.RowOf(R"({"a": "b"})"), (PlainRow{0, 1, {Named("a", "b")}}));
}

TEST_F(JsonlFormatTest, NamesColumnFieldAndReason) {
  EXPECT_EQ(Feed(R"({"label": "x"})"),
            "column 2: member \"label\" is \"x\"; it must be a finite number, or true or false, or "
            "yes or no; --positive turns other text into labels, as in --positive '=click'");
  EXPECT_EQ(Feed(R"({"label": []})"),
            "column 2: member \"label\" must be a number, a string, true or false");
  EXPECT_THAT(Feed(R"({"label": 1e39})"),
              StartsWith("column 2: member \"label\" is \"1e39\"; it must be "));
  EXPECT_EQ(Feed(R"({"label": 1, "label": 0})"), "column 14: member \"label\" occurs twice");
  EXPECT_EQ(Feed(R"({"label": 1, "weight": -1})"),
            "column 14: member \"weight\" must be at least 0");
  EXPECT_EQ(Feed(R"({"label": 1, "tag": []})"),
            "column 14: member \"tag\" must be a string or a number");
  EXPECT_EQ(Feed(R"({"label": 1, "a": 1e999})"), "column 14: member \"a\" must be a finite number");
  EXPECT_EQ(Feed(R"({"label": 1, "namespaces": [{"nam": "x"}]})"),
            "column 30: member \"namespaces[0].nam\" is unknown; a namespace has \"name\" and "
            "\"features\"");
  EXPECT_EQ(Feed(R"({"label": 1, "namespaces": [{"name": 1}]})"),
            "column 30: member \"namespaces[0].name\" must be a string");
  EXPECT_EQ(Feed(R"({"label": 1, "namespaces": [{"features": [{"val": 1}]}]})"),
            "column 44: member \"namespaces[0].features[0].val\" is unknown; a feature has "
            "\"name\" and \"value\"");
  EXPECT_EQ(Feed(R"({"label": 1, "namespaces": [{"features": [7]}]})"),
            "column 30: member \"namespaces[0].features[0]\" must be an object with \"name\" and "
            "\"value\"");
  EXPECT_EQ(Feed("[{\"label\": 1}]"),
            "column 1: a row must be a JSON object, as in {\"label\": 1, \"user\": \"a\"}; jq -c "
            "'.[]' makes such rows of a JSON array");
  EXPECT_EQ(Feed("{\"label\": 1},"),
            "column 1: a row must be a JSON object, as in {\"label\": 1, \"user\": \"a\"}; jq -c "
            "'.[]' makes such rows of a JSON array");
  EXPECT_EQ(Feed("17"),
            "column 1: a row must be a JSON object, as in {\"label\": 1, \"user\": \"a\"}");
  EXPECT_EQ(Feed(R"({"label": 1} {"label": 1})"),
            "column 14: unexpected text after the JSON object; write one row per line");
}

TEST_F(JsonlFormatTest, ReportsMalformedJson) {
  Row(R"({"label": 1, "a": "b"})");
  for (const std::string_view line : {"{",
                                      "}",
                                      "{]",
                                      R"({"label")",
                                      R"({"label":)",
                                      R"({"label": 1)",
                                      R"({"label": 1,)",
                                      R"({"label": 1,})",
                                      R"({"label": 1 "a": 2})",
                                      "{label: 1}",
                                      R"({"label": 1, "a": "b)",
                                      R"({"label": 1, "a": nul})",
                                      R"({"label": 1, "a": tru})",
                                      R"({"label": 1, "a": 01})",
                                      R"({"label": 1, "a": 1.})",
                                      R"({"label": 1, "a": .5})",
                                      R"({"label": 1, "a": NaN})",
                                      R"({"label": 1, "a": "\x"})",
                                      R"({"label": 1, "a": "\ud800"})",
                                      R"({"label": 1, "a": ["b"})",
                                      R"({"label": 1, "a": {"b": 1]})",
                                      "{\"label\": 1, \"a\": \"\xff\"}",
                                      "{\"label\": 1, \"a\": \"\x01\"}",
                                      R"(")",
                                      R"(\)",
                                      "{{",
                                      R"({"label": 1}})",
                                      R"({"label": 1}])"}) {
    const std::string error = Feed(line);
    EXPECT_TRUE(absl::StartsWith(error, "column ")) << line << " gave " << error;
  }
  EXPECT_EQ(tester_.rows().size(), 1u);
  const std::string result = Feed(R"({"label": 1, "a" 2})");
  EXPECT_TRUE(absl::StartsWith(result, "column 18: malformed JSON: ")) << result;
}

TEST_F(JsonlFormatTest, NamesNestedMembersByTheirPath) {
  EXPECT_EQ(Row(R"({"label": 1, "user": {"geo": {"city": "Bern", "at": {"x": 0.5}}, "new": true},
                    "geo": {"city": "Genf"}, "a.b": {"c.d": 2}})")
                .features,
            (std::vector<PlainFeature>{Named("user", "geo.city=Bern"),
                                       Named("user", "geo.at.x", 0.5f), Named("user", "new=true"),
                                       Named("geo", "city=Genf"), Named("a.b", "c.d", 2)}));
}

TEST_F(JsonlFormatTest, MakesFeaturesOfArrays) {
  EXPECT_EQ(
      Row(R"({"label": 1, "emb": [0.5, 0, -2, null, 3], "mixed": ["a", 7, true, false, ""],
                    "user": {"tags": ["x", "y"], "emb": [1.5, 2], "deep": {"l": ["z"]}}})")
          .features,
      (std::vector<PlainFeature>{
          Named("emb", "0", 0.5f), Named("emb", "2", -2), Named("emb", "4", 3), Named("mixed", "a"),
          Named("mixed", "1", 7), Named("mixed", "2=true"), Named("mixed", "3=false"),
          Named("user", "tags=x"), Named("user", "tags=y"), Named("user", "emb.0", 1.5f),
          Named("user", "emb.1", 2), Named("user", "deep.l=z")}));
  // The same as in Vowpal Wabbit, which numbers features without a name.
  EXPECT_EQ(FormatTester("vw", {}).RowOf("1 |emb :0.5 :1.5"),
            Row(R"({"label": 1, "emb": [0.5, 1.5]})"));
}

// Once, such rows sent over HTTP were learned without their features.
TEST_F(JsonlFormatTest, NamesListsWithinListsByTheirPath) {
  EXPECT_EQ(
      Feed(R"({"label":3,"namespaces":[[{"name":"u","features":[{"name":"ann"}]}]]})"),
      "column 12: member \"namespaces[0]\" is a list within a list; write namespaces as one list");
  EXPECT_EQ(Feed(R"({"label":3,"namespaces":[{"features":[[{"name":"ann"}]]}]})"),
            "column 27: member \"namespaces[0].features[0]\" must be an object with \"name\" and "
            "\"value\"");
  EXPECT_EQ(
      Feed(R"({"label": 1, "user": {"tags": ["a", ["b"]]}})"),
      "column 23: member \"user.tags[1]\" is a list within a list; a list holds text or numbers");
  EXPECT_EQ(Feed(R"({"label": 1, "a": [{"b": 1}]})"),
            "column 14: member \"a[0]\" is an object within a list; a list holds text or numbers");
  EXPECT_EQ(Feed(R"({"label": 1, "a": [1e999]})"),
            "column 14: member \"a[0]\" must be a finite number");
}

TEST_F(JsonlFormatTest, TakesLabelAndWeightFromAnyMember) {
  FormatOptions options;
  options.label_field = "outcome.clicked";
  options.weight_field = "w";
  FormatTester tester("jsonl", options);
  EXPECT_EQ(tester.RowOf(R"({"u": "a", "outcome": {"clicked": "yes"}, "w": "2.5"})"),
            (PlainRow{1, 2.5, {Named("u", "a")}}));
  // Members that are no longer special become features.
  EXPECT_EQ(tester.RowOf(R"({"outcome.clicked": false, "label": 7, "weight": 3})"),
            (PlainRow{0, 1, {Named("label", "label", 7), Named("weight", "weight", 3)}}));
  EXPECT_EQ(
      tester.Feed(R"({"label": 1, "outcome": {"shown": true}})"),
      "column 1: the member \"outcome.clicked\" is missing; a row to learn from must have one");
  EXPECT_THAT(tester.Feed(R"({"outcome": {"clicked": "maybe"}})"),
              StartsWith("column 14: member \"outcome.clicked\" is \"maybe\""));
}

TEST_F(JsonlFormatTest, TakesLabelsInEveryUsualForm) {
  for (const std::string_view label :
       {"1", "1.0", "true", "\"1\"", "\"true\"", "\"Yes\"", "\"y\""}) {
    EXPECT_EQ(Row("{\"label\": " + std::string(label) + "}").label, 1) << label;
  }
  for (const std::string_view label : {"0", "false", "\"0\"", "\"False\"", "\"no\""}) {
    EXPECT_EQ(Row("{\"label\": " + std::string(label) + "}").label, 0) << label;
  }
  EXPECT_EQ(Row(R"({"label": "-1"})").label, -1);
}

TEST_F(JsonlFormatTest, GivesFieldsTheirRoles) {
  FormatOptions options;
  options.numeric_fields = {"age", "user.height"};
  options.ignore_fields = {"id", "user.name", "raw"};
  options.time_features_field = "event.at";
  options.missing = std::vector<std::string>{"unknown"};
  FormatTester tester("jsonl", options);
  EXPECT_EQ(tester
                .RowOf(R"({"label": 1, "age": "41", "id": 7, "raw": {"a": [[1]]}, "job": "unknown",
                           "user": {"height": " 1.5 ", "name": "Ann", "sex": "f"},
                           "event": {"at": "2001-01-01T09:30:00Z", "kind": "open"}})")
                .features,
            (std::vector<PlainFeature>{
                Named("age", "age", 41), Named("user", "height", 1.5f), Named("user", "sex=f"),
                Named("event", "kind=open"), Named("event.at", "hour=09"),
                Named("event.at", "weekday_hour=mon_09"), Named("event.at", "weekday=mon"),
                Named("event.at", "month_day=01-01")}));
  EXPECT_EQ(
      tester.RowOf(R"({"label": 1, "age": "unknown", "event": {"at": 978339000}})").features.size(),
      4u);
  EXPECT_EQ(tester.Feed(R"({"label": 1, "age": "old"})"),
            "column 14: member \"age\" is \"old\"; it must be a finite number");
  EXPECT_THAT(tester.Feed(R"({"label": 1, "event": {"at": 17}})"),
              StartsWith("column 24: member \"event.at\" is \"17\"; it mu"));
}

TEST_F(JsonlFormatTest, PassesOverLabelsAndWeightsToPredict) {
  FormatTester tester("jsonl", {.labels_required = false});
  EXPECT_EQ(tester.RowOf(R"({"label": {"x": [1]}, "weight": -1, "a": "b"})"),
            (PlainRow{0, 1, {Named("a", "b")}}));
}

TEST_F(JsonlFormatTest, SaysWhatToDoWithObjectsOfSeveralLines) {
  EXPECT_EQ(Feed("{"),
            "column 1: the object continues on the next line; write each object on one line, as jq "
            "-c . does");
  for (const std::string_view line : {R"({"label": 1,)", R"({ "label": 1, "a": {"b": 1)"}) {
    EXPECT_THAT(Feed(line), StartsWith("column 1: the object continues on the next line; "))
        << line;
  }
}

// Python and JavaScript write such words for numbers that JSON does not have.
TEST_F(JsonlFormatTest, SaysWhatToDoWithWordsOfOtherLanguages) {
  EXPECT_EQ(Feed(R"({"label": 1, "a": NaN})"),
            "column 19: JSON has no NaN; write null if there is no value");
  EXPECT_EQ(Feed(R"({"label": NaN})"),
            "column 11: JSON has no NaN; write null if there is no value");
  EXPECT_EQ(Feed(R"({"a": {"b": [1, nan , 2]}, "label": 1})"),
            "column 17: JSON has no nan; write null if there is no value");
  EXPECT_EQ(Feed(R"({"label": 1, "namespaces": [{"features": [{"value": Infinity}]}]})"),
            "column 53: JSON has no Infinity; write null if there is no value");
}

// Only text used to be compared with the words for a missing value.
TEST_F(JsonlFormatTest, LeavesOutGivenNumbersAndTextAnywhere) {
  FormatOptions options;
  options.missing = std::vector<std::string>{"-999", "NA", "0.0"};
  FormatTester tester("jsonl", options);
  EXPECT_EQ(tester
                .RowOf(R"({"label": 1, "a": -999, "b": " NA ", "c": [-999 , 2, "NA"],
                           "d": {"k": -999, "l": "-999"}, "e": -999.0})")
                .features,
            (std::vector<PlainFeature>{Named("c", "1", 2), Named("e", "e", -999)}));
  EXPECT_EQ(tester.Feed(R"({"label": -999})"),
            "column 1: the member \"label\" is missing; a row to learn from must have one; --label "
            "names another");
}

TEST_F(JsonlFormatTest, DoesNotFollowDeepNesting) {
  std::string objects = "1";
  for (int i = 0; i < 500; ++i) objects = StrCat(R"({"a":)", objects, "}");
  EXPECT_TRUE(
      absl::StrContains(Feed(R"({"label": 1, "a": )" + objects + "}"), "nests deeper than 64"));
  const std::string deep(100'000, '[');
  EXPECT_TRUE(absl::StartsWith(Feed(R"({"label": 1, "a": )" + deep), "column "));
}

}  // namespace
}  // namespace freshet
