#include "core/format/mapping_proposal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "core/base/str_cat.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> Lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

absl::StatusOr<MappingProposal> Propose(std::string_view format, std::string_view text,
                                        const FormatOptions& options = {}) {
  InputSample sample(format, options);
  sample.AddLines(Lines(text));
  return ProposeMapping(sample, options, {.guess_label = true});
}

// The fields as ParseFieldMapping() takes them.
std::vector<std::string> FieldsOf(const absl::StatusOr<MappingProposal>& proposal) {
  if (!proposal.ok()) return {std::string(proposal.status().message())};
  std::vector<std::string> out;
  for (const FieldMapping& field : proposal->mapping.fields) out.push_back(FieldMappingText(field));
  return out;
}

// `rows` rows, in which # stands for the number of the row.
std::string Repeat(std::string_view header, std::string_view row, int rows) {
  std::string text(header);
  for (int i = 1; i <= rows; ++i) {
    text += '\n';
    for (const char c : row) text += c == '#' ? StrCat(i) : std::string(1, c);
  }
  return text;
}

TEST(MappingProposalTest, TellsColumnsApartByTheirValues) {
  std::string text = "clicked,user_id,age,price,comment,when,zip,plan,empty";
  for (int i = 0; i < 200; ++i) {
    text += StrCat("\n", i % 2, ",", 1000 + i, ",", 18 + i % 50, ",", i, ".5,the ", i,
                   "th row has a comment,2026-01-0", 1 + i % 9, ",", 10115 + i, ",",
                   i % 3 == 0 ? "free" : "paid", ",");
  }
  const auto proposal = Propose("csv", text);
  EXPECT_THAT(FieldsOf(proposal), ElementsAre("clicked=label", "user_id=category", "age=number",
                                              "price=number", "comment=text", "when=time",
                                              "zip=category", "plan=category", "empty=ignore"));
  EXPECT_TRUE(proposal->mapping.ignore_unlisted);
  EXPECT_EQ(proposal->mapping.positive, "");
}

TEST(MappingProposalTest, FewDifferentWholeNumbersAreCategories) {
  EXPECT_THAT(FieldsOf(Propose("csv", Repeat("label,grade", "1,3", 50) + "\n0,4\n0,5")),
              ElementsAre("label=label", "grade=category"));
}

TEST(MappingProposalTest, CodesAreCategoriesEvenIfTheyAreNumbers) {
  EXPECT_THAT(FieldsOf(Propose("csv", Repeat("label,ean,phone_no", "1,400638133#,03#", 60))),
              ElementsAre("label=label", "ean=category", "phone_no=category"));
  EXPECT_THAT(FieldsOf(Propose("jsonl", Repeat("", R"({"y":1,"userId":#,"age":#})", 60))),
              ElementsAre("y=label", "userId=category", "age=number"));
}

TEST(MappingProposalTest, ANumberMayBeMissingHereAndThere) {
  const auto usual = Propose("csv", Repeat("label,n", "1,#", 100) + "\n0,NA\n0,\n0,null");
  EXPECT_THAT(FieldsOf(usual), ElementsAre("label=label", "n=number"));
  EXPECT_FALSE(usual->mapping.missing.has_value());
  const auto own = Propose("csv", Repeat("label,n", "1,#", 100) + "\n0,refused");
  EXPECT_THAT(FieldsOf(own), ElementsAre("label=label", "n=number"));
  EXPECT_THAT(own->missing_words, ElementsAre("refused"));
  EXPECT_THAT(*own->mapping.missing, testing::Contains("NA"));
}

TEST(MappingProposalTest, FindsTheLabelAndItsPositiveValue) {
  const auto positive_of = [](std::string_view text) {
    const auto proposal = Propose("csv", text);
    return proposal.ok() ? proposal->mapping.positive : std::string(proposal.status().message());
  };
  EXPECT_EQ(positive_of("x,label\na,1\nb,2\nc,1"), "=2");
  EXPECT_EQ(positive_of("x,class\na,spam\nb,ham\nc,spam\nd,spam"), "=spam");
  EXPECT_EQ(positive_of("x,income\na,<=50K\nb,>50K\nc,<=50K"), "=>50K");
  EXPECT_EQ(positive_of("x,outcome\na,good\nb,late\nc,good"), "=late");
  EXPECT_EQ(positive_of("x,outcome\na,red\nb,blue\nc,red"), "=blue");
  EXPECT_EQ(positive_of("x,label\na,yes\nb,no"), "");
  EXPECT_EQ(positive_of("x,label\na,-1\nb,1"), "");
  EXPECT_THAT(positive_of("x,class\na,u\nb,v\nc,w"),
              HasSubstr("the label \"class\" has 3 different values, such as \"u\", \"v\", \"w\""));
}

TEST(MappingProposalTest, ALabelOfManyNumbersIsOne) {
  const auto proposal = Propose("csv", Repeat("target,x", "#.5,a", 30));
  EXPECT_EQ(proposal->label_kind, LabelKind::kNumeric);
  FormatOptions options;
  options.positive = ">=15";
  EXPECT_EQ(Propose("csv", Repeat("target,x", "#.5,a", 30), options)->label_kind,
            LabelKind::kBinary);
}

TEST(MappingProposalTest, WithoutALabelItNamesWhatMayBeOne) {
  InputSample sample("csv", {});
  sample.AddLines(Lines("a,b,c\n1,x,p\n2,y,q\n1,x,r"));
  const auto proposal = ProposeMapping(sample, {}, {.guess_label = false});
  EXPECT_EQ(proposal->label_kind, LabelKind::kNone);
  EXPECT_THAT(proposal->label_candidates, ElementsAre("a", "b"));
}

TEST(MappingProposalTest, KnowsWeightsEventIdsAndRowNumbers) {
  EXPECT_THAT(FieldsOf(Propose("csv", Repeat(",id,label,weight,x", "#,e#,1,2.5,a", 30))),
              ElementsAre("id=event_id", "label=label", "weight=weight", "x=category"));
  // A weight that may be negative is a feature.
  EXPECT_THAT(FieldsOf(Propose("csv", "label,weight\n1,-2\n0,3\n1,4.5")),
              ElementsAre("label=label", "weight=number"));
  // An id that recurs is a category.
  EXPECT_THAT(FieldsOf(Propose("csv", "label,id\n1,a\n0,b\n1,a")),
              ElementsAre("label=label", "id=category"));
}

TEST(MappingProposalTest, KnowsTheFormsOfTimes) {
  EXPECT_THAT(FieldsOf(Propose("csv",
                               "label,a,b,c,ts,n\n"
                               "1,31.12.2025,12/31/2025 10:00,31-12-2025,1767139200,1767139200\n"
                               "0,30.12.2025,12/30/2025 11:00,30-12-2025,1767052800,1767052800")),
              ElementsAre("label=label", "a=time:%d.%m.%Y", "b=time:%m/%d/%Y %H:%M",
                          "c=time:%d-%m-%Y", "ts=time", "n=category"));
}

TEST(MappingProposalTest, FindsDelimiterAndDecimalComma) {
  const auto proposal = Propose("csv", Repeat("label;price", "1;#,5", 30));
  EXPECT_THAT(FieldsOf(proposal), ElementsAre("label=label", "price=number"));
  EXPECT_EQ(proposal->mapping.decimal_mark, DecimalMark::kComma);
}

TEST(MappingProposalTest, FollowsPathsOfJson) {
  const auto proposal = Propose(
      "jsonl", Repeat("",
                      R"({"outcome":{"clicked":true},"user":{"age":#,"id":"u#"},)"
                      R"("tags":["a","b"],"vector":[0.5,#],"text":"a sentence of words #"})",
                      40));
  EXPECT_THAT(FieldsOf(proposal),
              ElementsAre("outcome.clicked=label", "user.age=number", "user.id=category",
                          "tags=category", "vector=number", "text=text"));
  EXPECT_FALSE(proposal->mapping.ignore_unlisted);
}

TEST(MappingProposalTest, OptionsHold) {
  FormatOptions options;
  options.label_field = "delay";
  options.positive = ">=15";
  options.time_features_field = "day";
  options.ignore_fields = {"secret"};
  EXPECT_THAT(
      FieldsOf(Propose("csv", Repeat("delay,day,secret,label", "#,20260101,s,1", 30), options)),
      ElementsAre("delay=label", "day=time", "secret=ignore", "label=category"));
}

TEST(MappingProposalTest, PassesOverRowsThatCannotBeRead) {
  EXPECT_THAT(FieldsOf(Propose("csv", "label,x\n1,a\n1,a,b\n\"\n0,b")),
              ElementsAre("label=label", "x=category"));
  EXPECT_THAT(FieldsOf(Propose("jsonl", "{\"label\":1\n[]\n{\"label\":1,\"x\":\"a\"}")),
              ElementsAre("label=label", "x=category"));
}

}  // namespace
}  // namespace freshet
