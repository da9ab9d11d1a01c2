#include "core/format/svmlight_format.h"

#include <gtest/gtest.h>

#include <string_view>

#include "tests/core/format/rows.h"

namespace freshet {
namespace {

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

TEST(SvmlightFormatTest, NamesColumnFieldAndReason) {
  FormatTester tester("svmlight", {});
  tester.RowOf("1 1:1");
  EXPECT_EQ(tester.Feed("3:1 5:2"),
            "column 1: the label is missing; a row to learn from starts with one, as in '1 3:0.5'");
  EXPECT_EQ(tester.Feed(" x 3:1"), "column 2: label \"x\" is not a finite number");
  EXPECT_EQ(tester.Feed("nan 3:1"), "column 1: label \"nan\" is not a finite number");
  EXPECT_EQ(tester.Feed("1 2:1 a:1"),
            "column 7: \"a:1\" is not a feature; it must be index:value, with a whole index");
  EXPECT_EQ(tester.Feed("1 -2:1"),
            "column 3: \"-2:1\" is not a feature; it must be index:value, with a whole index");
  EXPECT_EQ(tester.Feed("1 2"),
            "column 3: \"2\" is not a feature; it must be index:value, with a whole index");
  EXPECT_EQ(tester.Feed("1 4294967296:1"),
            "column 3: index \"4294967296:1\" is larger than 4294967295");
  EXPECT_EQ(tester.Feed("1 2:"), "column 5: value \"\" of feature 2 is not a finite number");
  EXPECT_EQ(tester.Feed("1 2: 3:1"), "column 5: value \"\" of feature 2 is not a finite number");
  EXPECT_EQ(tester.Feed("1 2:1x"), "column 5: value \"1x\" of feature 2 is not a finite number");
  EXPECT_EQ(tester.Feed("1 2:inf"), "column 5: value \"inf\" of feature 2 is not a finite number");
  EXPECT_EQ(tester.Feed("1 qid:x 2:1"), "column 3: \"qid:x\" must be qid: and a whole number");
  EXPECT_EQ(tester.Feed("1 qid: 2:1"), "column 3: \"qid:\" must be qid: and a whole number");
  EXPECT_EQ(tester.rows().size(), 1u);
}

}  // namespace
}  // namespace freshet
