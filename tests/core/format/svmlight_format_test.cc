#include "core/format/svmlight_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string_view>
#include <vector>

#include "tests/core/format/rows.h"

namespace freshet {
namespace {

using ::testing::StartsWith;

TEST(SvmlightFormatTest, ReadsLabelAndFeaturesOfTheDefaultNamespace) {
  FormatTester tester("svmlight", {});
  EXPECT_EQ(tester.RowOf("+1 3:1 11:-0.5 4294967295:2e1"),
            (PlainRow{1, 1, {{"", 3, 1}, {"", 11, -0.5f}, {"", 4294967295, 20}}}));
  EXPECT_EQ(tester.RowOf("-1 3:1"), (PlainRow{-1, 1, {{"", 3}}}));
  EXPECT_EQ(tester.RowOf("0"), PlainRow{});
  EXPECT_EQ(tester.RowOf("  2.5\t 7:1  0:1\t\r"), (PlainRow{2.5, 1, {{"", 7}, {"", 0}}}));
}

TEST(SvmlightFormatTest, DropsQueryIdsCommentsAndZeros) {
  FormatTester tester("svmlight", {});
  EXPECT_EQ(tester.RowOf("1 qid:12 3:1 5:0 # 4:1"), (PlainRow{1, 1, {{"", 3}}}));
  EXPECT_EQ(tester.RowOf("1 3:1#x"), (PlainRow{1, 1, {{"", 3}}}));
  EXPECT_EQ(tester.Feed("# 1 3:1"), "none");
  EXPECT_EQ(tester.Feed(""), "none");
  EXPECT_EQ(tester.Feed(" \t\r"), "none");
}

TEST(SvmlightFormatTest, NeedsNoLabelToPredict) {
  FormatTester tester("svmlight", {.labels_required = false});
  EXPECT_EQ(tester.RowOf("3:1 5:2"), (PlainRow{0, 1, {{"", 3}, {"", 5, 2}}}));
  EXPECT_EQ(tester.RowOf("1 3:1"), (PlainRow{1, 1, {{"", 3}}}));
}

// Tools that print in columns write blanks there.
TEST(SvmlightFormatTest, TakesBlanksAroundTheColon) {
  FormatTester tester("svmlight", {});
  EXPECT_EQ(tester.RowOf("0   21:1.00   42:1.00   63: .50"),
            (PlainRow{0, 1, {{"", 21}, {"", 42}, {"", 63, 0.5f}}}));
  EXPECT_EQ(tester.RowOf("1 3:\t 2 7 : -1 "), (PlainRow{1, 1, {{"", 3, 2}, {"", 7, -1}}}));
  EXPECT_EQ(tester.Feed("1 3: "), "column 6: value \"\" of feature 3 is not a finite number");
  EXPECT_EQ(tester.Feed("1 3 7:1"),
            "column 3: \"3\" is not a feature; it must be index:value, with a whole index");
}

TEST(SvmlightFormatTest, ReadsAWeightBehindTheLabel) {
  FormatTester tester("svmlight", {});
  EXPECT_EQ(tester.RowOf("1:2.5 3:1"), (PlainRow{1, 2.5, {{"", 3}}}));
  EXPECT_EQ(tester.RowOf("-1:0 3:1"), (PlainRow{-1, 0, {{"", 3}}}));
  EXPECT_EQ(tester.Feed("1:-2 3:1"),
            "column 3: importance weight \"-2\" after label \"1\" is not a finite number of at "
            "least 0");
  EXPECT_THAT(tester.Feed("1: 3:1"), StartsWith("column 3: importance weight \"\" "));
  EXPECT_EQ(tester.RowOf("0 3:1"), (PlainRow{0, 1, {{"", 3}}}));
  // After this row, a first pair means that the label is missing; in a new file it does not.
  EXPECT_THAT(tester.Feed("1:2.5 3:1"), StartsWith("column 1: the label is missing;"));
  EXPECT_THAT(tester.Feed("qid:1 3:1"), StartsWith("column 1: the label is missing;"));
  tester.BeginFile();
  EXPECT_EQ(tester.RowOf("1:2.5 3:1").weight, 2.5);
}

TEST(SvmlightFormatTest, AFirstPairToPredictIsAFeatureIfItCanBe) {
  FormatTester tester("svmlight", {.labels_required = false});
  EXPECT_EQ(tester.RowOf("1:2.5 3:1").features, (std::vector<PlainFeature>{{"", 1, 2.5}, {"", 3}}));
  EXPECT_EQ(tester.RowOf("-1:2.5 3:1"), (PlainRow{-1, 2.5, {{"", 3}}}));
  FormatTester weighted("svmlight", {.labels_required = false, .weight_field = "weight"});
  EXPECT_EQ(weighted.RowOf("1:2.5 3:1"), (PlainRow{1, 2.5, {{"", 3}}}));
  EXPECT_EQ(weighted.RowOf("0 3:1"), (PlainRow{0, 1, {{"", 3}}}));
  EXPECT_EQ(weighted.RowOf("1:2.5 3:1"), (PlainRow{1, 2.5, {{"", 3}}}));
}

TEST(SvmlightFormatTest, NamesColumnFieldAndReason) {
  FormatTester tester("svmlight", {});
  tester.RowOf("1 1:1");
  EXPECT_EQ(tester.Feed("3:1 5:2"),
            "column 1: the label is missing; a row to learn from starts with one, as in '1 3:0.5'; "
            "with an importance weight, as in '1:2.5 3:0.5', all rows of a file need one");
  EXPECT_EQ(tester.Feed(" x 3:1"),
            "column 2: the label is \"x\"; it must be a finite number; --positive turns other "
            "text into labels, as in --positive '=click'");
  EXPECT_THAT(tester.Feed("nan 3:1"), StartsWith("column 1: the label is \"nan\"; it "));
  EXPECT_EQ(tester.Feed("1 2:1 a:1"),
            "column 7: \"a:1\" is not a feature; it must be index:value, with a whole index");
  EXPECT_EQ(tester.Feed("1 -2:1"),
            "column 3: \"-2:1\" is not a feature; it must be index:value, with a whole index");
  EXPECT_EQ(tester.Feed("1 2"),
            "column 3: \"2\" is not a feature; it must be index:value, with a whole index");
  EXPECT_EQ(tester.Feed("1 4294967296:1"),
            "column 3: index \"4294967296:1\" is larger than 4294967295");
  EXPECT_EQ(tester.Feed("1 2:"), "column 5: value \"\" of feature 2 is not a finite number");
  EXPECT_EQ(tester.Feed("1 2: 3:1"), "column 6: value \"3:1\" of feature 2 is not a finite number");
  EXPECT_EQ(tester.Feed("1 2:1x"), "column 5: value \"1x\" of feature 2 is not a finite number");
  EXPECT_EQ(tester.Feed("1 2:inf"), "column 5: value \"inf\" of feature 2 is not a finite number");
  EXPECT_EQ(tester.Feed("1 qid:x 2:1"), "column 3: \"qid:x\" must be qid: and a whole number");
  EXPECT_EQ(tester.Feed("1 qid: 2:1"), "column 3: \"qid:\" must be qid: and a whole number");
  EXPECT_EQ(tester.rows().size(), 1u);
}

}  // namespace
}  // namespace freshet
