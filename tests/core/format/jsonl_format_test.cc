#include "core/format/jsonl_format.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/match.h"
#include "tests/core/format/rows.h"

namespace freshet {
namespace {

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
            "column 1: the member \"label\" is missing; a row to learn from must have one");
  EXPECT_EQ(Feed(R"({"label": null})"),
            "column 1: the member \"label\" is missing; a row to learn from must have one");
  FormatTester predicting("jsonl", {.labels_required = false});
  EXPECT_EQ(predicting.RowOf(R"({"a": "b"})"), (PlainRow{0, 1, {Named("a", "b")}}));
}

TEST_F(JsonlFormatTest, NamesColumnFieldAndReason) {
  EXPECT_EQ(Feed(R"({"label": "x"})"),
            "column 2: member \"label\" is \"x\"; it must be a finite number");
  EXPECT_EQ(Feed(R"({"label": []})"), "column 2: member \"label\" must be a finite number");
  EXPECT_EQ(Feed(R"({"label": 1e39})"), "column 2: member \"label\" must be a finite number");
  EXPECT_EQ(Feed(R"({"label": 1, "weight": -1})"),
            "column 14: member \"weight\" must be at least 0");
  EXPECT_EQ(Feed(R"({"label": 1, "tag": []})"),
            "column 14: member \"tag\" must be a string or a number");
  EXPECT_EQ(Feed(R"({"label": 1, "a": [1, 2]})"),
            "column 14: member \"a\" is an array that holds something else than strings");
  EXPECT_EQ(Feed(R"({"label": 1, "a": {"b": []}})"),
            "column 20: member \"b\" of a namespace must be a string, a number, true, false or "
            "null");
  EXPECT_EQ(Feed(R"({"label": 1, "a": 1e999})"), "column 14: member \"a\" must be a finite number");
  EXPECT_EQ(Feed(R"({"label": 1, "namespaces": [{"nam": "x"}]})"),
            "column 30: member \"nam\" is unknown; a namespace has \"name\" and \"features\"");
  EXPECT_EQ(Feed(R"({"label": 1, "namespaces": [{"name": 1}]})"),
            "column 30: member \"name\" of a namespace must be a string");
  EXPECT_EQ(Feed(R"({"label": 1, "namespaces": [{"features": [{"val": 1}]}]})"),
            "column 44: member \"val\" is unknown; a feature has \"name\" and \"value\"");
  EXPECT_EQ(Feed(R"({"label": 1, "namespaces": [{"features": [7]}]})"),
            "column 1: a feature in \"features\" must be an object with \"name\" and \"value\"");
  EXPECT_EQ(Feed("[1]"),
            "column 1: a row must be a JSON object, as in {\"label\": 1, \"user\": \"a\"}");
  EXPECT_EQ(Feed("17"),
            "column 1: a row must be a JSON object, as in {\"label\": 1, \"user\": \"a\"}");
  EXPECT_EQ(Feed(R"({"label": 1} {"label": 1})"),
            "column 14: unexpected text after the JSON object; one row a line");
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

TEST_F(JsonlFormatTest, DoesNotFollowDeepNesting) {
  const std::string deep(100'000, '[');
  EXPECT_TRUE(absl::StartsWith(Feed(R"({"label": 1, "a": )" + deep), "column "));
}

}  // namespace
}  // namespace freshet
