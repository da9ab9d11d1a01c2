#include "core/format/vw_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "core/feature/feature_options.h"
#include "core/feature/hash.h"
#include "tests/core/format/rows.h"

namespace freshet {
namespace {

class VwFormatTest : public testing::Test {
 protected:
  PlainRow Row(std::string_view line) { return tester_.RowOf(line); }
  std::string Feed(std::string_view line) { return tester_.Feed(line); }

  FormatTester tester_{"vw", {}};
};

TEST_F(VwFormatTest, ReadsLabelNamespacesFeaturesAndValues) {
  EXPECT_EQ(Row("1 |user id=7 age:0.25 |ad a b:-2e1"),
            (PlainRow{1,
                      1,
                      {Named("user", "id=7"), Named("user", "age", 0.25f), Named("ad", "a"),
                       Named("ad", "b", -20)}}));
}

TEST_F(VwFormatTest, HashesAsItsModelDoes) {
  const PlainRow row = Row("1 | x 12 007 |f x 12 4294967295 |9 3 |12a 5");
  const uint32_t f = MurmurHash3("f", 0);
  EXPECT_EQ(row.features,
            (std::vector<PlainFeature>{{"", MurmurHash3("x", 0)},
                                       {"", 12},
                                       {"", 7},
                                       {"f", MurmurHash3("x", f)},
                                       {"f", 12 + f},
                                       {"f", 4294967295u + f},
                                       {"9", 12},  // A namespace of digits hashes to that number.
                                       {"12a", 5 + MurmurHash3("12a", 0)}}));
}

TEST_F(VwFormatTest, ReadsLabelImportanceAndInitialOfZero) {
  EXPECT_EQ(Row("-1 | a"), (PlainRow{-1, 1, {Named("", "a")}}));
  EXPECT_EQ(Row("+0.5 2.5 | a"), (PlainRow{0.5f, 2.5f, {Named("", "a")}}));
  EXPECT_EQ(Row("1e3  0  0.0 | a"), (PlainRow{1000, 0, {Named("", "a")}}));
  EXPECT_EQ(Row("  1 | a"), (PlainRow{1, 1, {Named("", "a")}}));
}

TEST_F(VwFormatTest, TakesWhatTouchesTheBarOrIsQuotedAsTheTag) {
  const PlainRow row{1, 1, {Named("f", "a")}};
  EXPECT_EQ(Row("1 tag|f a"), row);
  EXPECT_EQ(tester_.tag(), "tag");
  EXPECT_EQ(Row("1 'tag |f a"), row);
  EXPECT_EQ(tester_.tag(), "tag");
  EXPECT_EQ(Row("1 'tag|f a"), row);
  EXPECT_EQ(tester_.tag(), "tag");
  EXPECT_EQ(Row("1 '|f a"), row);
  EXPECT_EQ(tester_.tag(), "");
  EXPECT_EQ(Row("1 2 'x |f a"), (PlainRow{1, 2, {Named("f", "a")}}));
  EXPECT_EQ(tester_.tag(), "x");
  EXPECT_EQ(Row("1 2|f a"), row);  // The 2 touches the bar.
  EXPECT_EQ(tester_.tag(), "2");
  EXPECT_EQ(Row("1 |f a"), row);
  EXPECT_EQ(tester_.tag(), "");
}

TEST_F(VwFormatTest, SkipsWhatStandsBeforeATabAheadOfTheBar) {
  EXPECT_EQ(Row("some comment\t1 | a"), (PlainRow{1, 1, {Named("", "a")}}));
  EXPECT_EQ(Row("1 | a\tb"), (PlainRow{1, 1, {Named("", "a"), Named("", "b")}}));
}

TEST_F(VwFormatTest, MultipliesValuesByTheWeightOfTheirNamespace) {
  EXPECT_EQ(Row("1 |f:2 a b:3 |g:0.5 c |h d").features,
            (std::vector<PlainFeature>{Named("f", "a", 2), Named("f", "b", 6),
                                       Named("g", "c", 0.5f), Named("h", "d")}));
}

TEST_F(VwFormatTest, NumbersNamelessFeaturesWithinEachOccurrenceOfANamespace) {
  const uint32_t f = HashNamespace("f");
  EXPECT_EQ(Row("1 |f :0.5 a :0 :2 |f :3 | :4").features,
            (std::vector<PlainFeature>{
                {"f", f, 0.5f}, Named("f", "a"), {"f", f + 2, 2}, {"f", f, 3}, {"", 0, 4}}));
}

TEST_F(VwFormatTest, GathersANamespaceThatComesAgain) {
  EXPECT_EQ(Row("1 |f a |g b |f c:2").features,
            (std::vector<PlainFeature>{Named("f", "a"), Named("f", "c", 2), Named("g", "b")}));
}

TEST_F(VwFormatTest, LeavesOutFeaturesOfValueZero) {
  EXPECT_EQ(Row("1 |f a:0 b:-0.0 c:1e-60 |g:0 d e:5").features, std::vector<PlainFeature>{});
}

TEST_F(VwFormatTest, ReadsRowsWithoutFeatures) {
  EXPECT_EQ(Row("1 |"), (PlainRow{1, 1, {}}));
  EXPECT_EQ(Row("1 ||| |f"), (PlainRow{1, 1, {}}));
}

TEST_F(VwFormatTest, AllowsExtraBlanksAndACarriageReturn) {
  EXPECT_EQ(Row("1 |f  a \t b:2  \r").features,
            (std::vector<PlainFeature>{Named("f", "a"), Named("f", "b", 2)}));
}

TEST_F(VwFormatTest, ReadsNamesLongerThanAVectorLane) {
  const std::string name(100, 'x');
  EXPECT_EQ(Row("1 |" + name + " " + name + ":3 é=ü").features,
            (std::vector<PlainFeature>{Named(name, name, 3), Named(name, "é=ü")}));
}

TEST_F(VwFormatTest, SkipsBlankLines) {
  EXPECT_EQ(Feed(""), "none");
  EXPECT_EQ(Feed(" \t "), "none");
  EXPECT_EQ(Feed("\r"), "none");
}

TEST_F(VwFormatTest, WantsALabelToLearnFromButNotToPredict) {
  EXPECT_EQ(Feed("|f a").substr(0, 32), "column 1: the label is missing; ");
  EXPECT_EQ(Feed("1|f a"),
            "column 1: the label is missing (\"1\" touches the '|' or starts with a quote, which "
            "makes it a tag); a row to learn from starts with one, as in '1 |namespace feature'");
  FormatTester predicting("vw", {.labels_required = false});
  EXPECT_EQ(predicting.RowOf("|f a"), (PlainRow{0, 1, {Named("f", "a")}}));
  EXPECT_EQ(predicting.RowOf("'t |f a"), (PlainRow{0, 1, {Named("f", "a")}}));
  EXPECT_EQ(predicting.tag(), "t");
  EXPECT_EQ(predicting.RowOf("1 |f a"), (PlainRow{1, 1, {Named("f", "a")}}));
}

struct BadLine {
  std::string_view line;
  std::string_view error;
};

class VwFormatErrorTest : public testing::TestWithParam<BadLine> {};

TEST_P(VwFormatErrorTest, NamesColumnFieldAndReason) {
  FormatTester tester("vw", {});
  tester.RowOf("1 |f good");
  EXPECT_EQ(tester.Feed(GetParam().line), GetParam().error);
  EXPECT_EQ(tester.Feed("-1 |g good"), "row");
  EXPECT_EQ(tester.rows().size(), 2u);
}

INSTANTIATE_TEST_SUITE_P(
    Lines, VwFormatErrorTest,
    testing::Values(
        BadLine{"1 f a",
                "column 6: there is no '|' on the line; a row looks like '1 |namespace "
                "feature:0.5'"},
        BadLine{"yes |f a",
                "column 1: the label is \"yes\"; it must be a finite number; --positive turns "
                "other text into labels, as in --positive \'=click\'"},
        BadLine{" 1x |f a",
                "column 2: the label is \"1x\"; it must be a finite number; --positive turns "
                "other text into labels, as in --positive \'=click\'"},
        BadLine{"nan |f a",
                "column 1: the label is \"nan\"; it must be a finite number; --positive turns "
                "other text into labels, as in --positive \'=click\'"},
        BadLine{"1e39 |f a",
                "column 1: the label is \"1e39\"; it must be a finite number; --positive turns "
                "other text into labels, as in --positive \'=click\'"},
        BadLine{"1 -2 |f a",
                "column 3: importance weight \"-2\" is not a finite number of at least 0"},
        BadLine{"1 inf |f a",
                "column 3: importance weight \"inf\" is not a finite number of at least 0"},
        BadLine{"1 1 0.5 |f a",
                "column 5: initial prediction \"0.5\" is not supported; it must be 0 or left out"},
        BadLine{"1 1 0 3 |f a",
                "column 7: unexpected \"3\"; only a label, an importance weight and a 'tag "
                "may precede the '|'"},
        BadLine{"1 1 0 3 4 5 6 |f a",
                "column 7: unexpected \"3\"; only a label, an importance weight and a "
                "'tag may precede the '|'"},
        BadLine{"1 |f a:x b", "column 8: value \"x\" of feature \"a\" is not a finite number"},
        BadLine{"1 |f a: b", "column 8: value \"\" of feature \"a\" is not a finite number"},
        BadLine{"1 |f a:", "column 8: value \"\" of feature \"a\" is not a finite number"},
        BadLine{"1 |f a:1:2", "column 8: value \"1:2\" of feature \"a\" is not a finite number"},
        BadLine{"1 |f a:nan", "column 8: value \"nan\" of feature \"a\" is not a finite number"},
        BadLine{"1 |f a:-inf|g",
                "column 8: value \"-inf\" of feature \"a\" is not a finite number"},
        BadLine{"1 |f a:1e999",
                "column 8: value \"1e999\" of feature \"a\" is not a finite number"},
        BadLine{"1 |f a:0x10", "column 8: value \"0x10\" of feature \"a\" is not a finite number"},
        BadLine{"1 |f a |:2 b",
                "column 9: a namespace weight needs a name before it, as in '|name:0.5'"},
        BadLine{"1 |f:x a", "column 6: weight \"x\" of namespace \"f\" is not a finite number"},
        BadLine{"1 |f:1e30 a:1e30",
                "column 11: value of feature \"a\" times the weight of its namespace is not a "
                "finite number"},
        BadLine{"1 |f a\rb", "column 7: unexpected \"\\r\"; a blank or '|' must follow"}));

TEST(LenientVwFormatTest, ModelsOfVowpalWabbitReadMore) {
  FormatTester tester("vw", {.as_vowpal_wabbit = true});
  EXPECT_EQ(tester.RowOf("|f a"), (PlainRow{.weight = 0, .features = {Named("f", "a")}}));
  EXPECT_EQ(tester.RowOf("2 0.5"), (PlainRow{.label = 2, .weight = 0.5f}));
  const uint32_t offset = HashNamespace(kOffsetNamespace);
  const PlainFeature initial{std::string(kOffsetNamespace), offset, -1.5f};
  EXPECT_EQ(tester.RowOf("1 2 -1.5 'tag|f a"),
            (PlainRow{.label = 1, .weight = 2, .features = {Named("f", "a"), initial}}));
  const uint32_t red = HashFeature("red", HashFeature("hue", HashNamespace("f")));
  EXPECT_EQ(tester.RowOf("1 |f:2 hue:red b:3"),
            (PlainRow{.label = 1, .features = {{"f", red, 2}, Named("f", "b", 6)}}));
  EXPECT_THAT(tester.Feed("1 1 x |f a"), testing::HasSubstr("initial score"));
}

TEST(LenientVwFormatTest, NamesOfDigitsCanBeHashedLikeOthers) {
  FormatTester tester("vw", {.as_vowpal_wabbit = true, .hash_all = true});
  const uint32_t seed = MurmurHash3("7", 0);
  EXPECT_EQ(tester.RowOf("1 |7 12"),
            (PlainRow{.label = 1, .features = {{"7", MurmurHash3("12", seed), 1}}}));
}

}  // namespace
}  // namespace freshet
