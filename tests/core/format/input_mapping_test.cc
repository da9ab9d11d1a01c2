#include "core/format/input_mapping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "core/base/str_cat.h"
#include "core/format/field_roles.h"
#include "tests/core/format/rows.h"

namespace freshet {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Text(const absl::Status& status) { return std::string(status.message()); }

FormatOptions Mapped(InputMapping mapping, bool learn = true) {
  FormatOptions options;
  options.labels_required = learn;
  options.mapping = std::move(mapping);
  return options;
}

// What a model of clicks would know of its input.
InputMapping Clicks() {
  return {.fields = {{"clicked", FieldRole::kLabel},
                     {"user.id", FieldRole::kCategory},
                     {"age", FieldRole::kNumber},
                     {"title", FieldRole::kText},
                     {"at", FieldRole::kTime, "", "%d.%m.%Y"},
                     {"key", FieldRole::kEventId},
                     {"w", FieldRole::kWeight},
                     {"carrier", FieldRole::kCategory, "trip"}},
          .ignore_unlisted = true};
}

TEST(InputMappingTest, ReadsAndWritesFieldsAsText) {
  for (const std::string_view text :
       {"age=number", "user.id=category", "comment=text@words", "day=time:%d.%m.%Y %H:%M",
        "day=time:s@when", "a=b=ignore", "x=auto", "y=label", "w=weight", "id=event_id"}) {
    const auto field = ParseFieldMapping(text);
    ASSERT_TRUE(field.ok()) << field.status();
    EXPECT_EQ(FieldMappingText(*field), text);
  }
  EXPECT_THAT(Text(ParseFieldMapping("age").status()), HasSubstr("it must be FIELD=ROLE"));
  EXPECT_THAT(Text(ParseFieldMapping("=number").status()), HasSubstr("it must be FIELD=ROLE"));
  EXPECT_THAT(Text(ParseFieldMapping("age=numeric").status()),
              AllOf(HasSubstr("unknown role \"numeric\""), HasSubstr("number, text")));
  EXPECT_THAT(Text(ParseFieldMapping("age=time:%q").status()), HasSubstr("age"));
}

TEST(InputMappingTest, RefusesWhatContradictsItself) {
  EXPECT_TRUE(CheckInputMapping(Clicks()).ok());
  InputMapping twice = Clicks();
  twice.fields.push_back({"age", FieldRole::kCategory});
  EXPECT_EQ(Text(CheckInputMapping(twice)), "input mapping: field \"age\" is listed twice");
  InputMapping labels = Clicks();
  labels.fields.push_back({"y", FieldRole::kLabel});
  EXPECT_EQ(Text(CheckInputMapping(labels)),
            "input mapping: field \"y\" is the second label; \"clicked\" is one already");
  InputMapping many;
  for (size_t i = 0; i <= kMaxMappedFields; ++i) many.fields.push_back({StrCat("f", i)});
  EXPECT_THAT(Text(CheckInputMapping(many)), HasSubstr("it may list 4096"));
  InputMapping rule = Clicks();
  rule.positive = "15";
  EXPECT_FALSE(CheckInputMapping(rule).ok());
  InputMapping no_time = Clicks();
  no_time.fields[2].time_format = "s";
  EXPECT_THAT(Text(CheckInputMapping(no_time)), HasSubstr("\"age\" has a time format"));
  InputMapping unknown = Clicks();
  unknown.fields[0].role = static_cast<FieldRole>(77);
  EXPECT_THAT(Text(CheckInputMapping(unknown)), HasSubstr("does not know"));
}

TEST(InputMappingTest, TheSameRowGivesTheSameFeaturesInEachFormat) {
  const PlainRow row{1,
                     2,
                     {{"user", Named("user", "id=42").id, 1},
                      Named("age", "age", 33),
                      Named("title", "red"),
                      Named("title", "shoes"),
                      Named("trip", "carrier=AA")}};
  FormatTester json("jsonl", Mapped(Clicks()));
  EXPECT_EQ(
      json.RowOf(R"({"clicked": "yes", "user": {"id": 42, "session": "x"}, "age": "33",)"
                 R"( "title": "Red SHOES!", "key": 9007199254740993, "w": 2, "carrier": "AA"})"),
      row);
  EXPECT_EQ(json.tag(), "9007199254740993");
  FormatTester csv("csv", Mapped({.fields = {{"clicked", FieldRole::kLabel},
                                             {"age", FieldRole::kNumber},
                                             {"title", FieldRole::kText},
                                             {"key", FieldRole::kEventId},
                                             {"w", FieldRole::kWeight},
                                             {"carrier", FieldRole::kCategory, "trip"}},
                                  .ignore_unlisted = true}));
  csv.Feed("key,age,title,clicked,w,carrier,more");
  PlainRow same = row;
  same.features.erase(same.features.begin());
  EXPECT_EQ(csv.RowOf("9007199254740993,33,Red SHOES!,yes,2,AA,z"), same);
  EXPECT_EQ(csv.tag(), "9007199254740993");
}

TEST(InputMappingTest, NumbersOfJsonAreCategoriesWhereTheMappingSaysSo) {
  FormatTester json("jsonl", Mapped({.fields = {{"y", FieldRole::kLabel},
                                                {"id", FieldRole::kCategory},
                                                {"tags", FieldRole::kCategory},
                                                {"o", FieldRole::kByType}}}));
  EXPECT_EQ(json.RowOf(R"({"y":0,"id":9007199254740993,"tags":[7,"a",true],"o":{"n":2,"c":"v"}})"),
            (PlainRow{0,
                      1,
                      {Named("id", "9007199254740993"), Named("tags", "7"), Named("tags", "a"),
                       Named("tags", "true"), Named("o", "n", 2), Named("o", "c=v")}}));
}

TEST(InputMappingTest, AMemberOfAnObjectMayBeListedWhereTheObjectIsNot) {
  FormatTester json("jsonl", Mapped({.fields = {{"y", FieldRole::kLabel},
                                                {"user.age", FieldRole::kNumber},
                                                {"user.home.city", FieldRole::kCategory},
                                                {"outcome.won", FieldRole::kIgnored}},
                                     .ignore_unlisted = true}));
  EXPECT_EQ(json.RowOf(R"({"y":1,"user":{"age":5,"name":"x","home":{"city":"b","zip":1}},)"
                       R"("outcome":{"won":1}})"),
            (PlainRow{1, 1, {Named("user", "age", 5), Named("user", "home.city=b")}}));
}

std::vector<std::string> WarningsOf(RowFormat& format, std::string_view lines) {
  ExampleBatchBuilder builder;
  format.BeginFile("t");
  std::vector<std::string> warnings;
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    EXPECT_TRUE(format.ParseLine(lines.substr(0, end), builder).ok());
    for (std::string& warning : format.TakeWarnings()) warnings.push_back(std::move(warning));
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return warnings;
}

TEST(InputMappingTest, WarnsOfColumnsThatAreMisspelt) {
  const InputMapping mapping{.fields = {{"y", FieldRole::kLabel},
                                        {"age", FieldRole::kNumber},
                                        {"user", FieldRole::kCategory}},
                             .ignore_unlisted = true};
  const auto csv = *MakeRowFormat("csv", Mapped(mapping, false));
  EXPECT_THAT(WarningsOf(*csv, "user,agee\nann,3\nbob,4"),
              ElementsAre(AllOf(HasSubstr("no column \"age\""), HasSubstr("lists as number")),
                          AllOf(HasSubstr("column \"agee\" is not in"), HasSubstr("left out"))));
  EXPECT_THAT(WarningsOf(*csv, "user,age\nann,3"), IsEmpty());
  const auto json = *MakeRowFormat("jsonl", Mapped(mapping, false));
  EXPECT_THAT(WarningsOf(*json, "{\"user\":\"ann\",\"agee\":3}\n{\"user\":\"bob\",\"agee\":4}"),
              ElementsAre(HasSubstr("member \"agee\" is not in")));
  EXPECT_THAT(WarningsOf(*json, "{\"usr\":\"ann\"}"),
              ElementsAre(HasSubstr("\"usr\""), HasSubstr("has 0 of the 2 fields")));
  EXPECT_THAT(WarningsOf(*json, R"({"user":"ann","age":3})"), IsEmpty());
}

TEST(InputMappingTest, OptionsTakePrecedenceAndAreNamed) {
  FormatOptions options = Mapped(Clicks());
  options.label_field = "won";
  options.numeric_fields = {"carrier"};
  options.ignore_fields = {"title"};
  options.positive = "=2";
  EXPECT_THAT(
      DescribeOverrides(options),
      ElementsAre(HasSubstr("--label reads \"won\" as label; the model's input mapping says "
                            "ignore"),
                  HasSubstr("--numeric reads \"carrier\" as number"),
                  HasSubstr("--ignore reads \"title\" as ignore"),
                  HasSubstr("--positive is \"=2\"")));
  FormatTester csv("csv", options);
  csv.Feed("won,clicked,carrier,title,w");
  EXPECT_EQ(csv.RowOf("2,1,0.5,red,3"), (PlainRow{1, 3, {Named("carrier", "carrier", 0.5f)}}));
  EXPECT_THAT(DescribeOverrides(Mapped(Clicks())), IsEmpty());
}

TEST(InputMappingTest, LabelAndWeightMustBeThereToLearn) {
  FormatTester csv("csv", Mapped(Clicks()));
  EXPECT_THAT(csv.Feed("age,w"), HasSubstr("no label column \"clicked\""));
  csv.BeginFile();
  EXPECT_THAT(csv.Feed("clicked,age"),
              HasSubstr("the model's input mapping names column \"w\", which the header does not"));
  FormatTester json("jsonl", Mapped(Clicks()));
  EXPECT_THAT(json.Feed(R"({"age": 3})"), HasSubstr("the member \"clicked\" is missing"));
}

}  // namespace
}  // namespace freshet
