#include "core/format/csv_format.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/core/format/rows.h"

namespace freshet {
namespace {

FormatOptions Options(std::string label, std::string positive = "") {
  FormatOptions options;
  options.label_column = std::move(label);
  options.positive = std::move(positive);
  return options;
}

TEST(CsvFormatTest, MakesACategoryOfEachColumnButTheLabel) {
  FormatTester tester("csv", Options("y"));
  EXPECT_EQ(tester.Feed("a,y,b"), "none");
  EXPECT_EQ(tester.RowOf("red,1,7"), (PlainRow{1, 1, {Named("a", "red"), Named("b", "7")}}));
  EXPECT_EQ(tester.RowOf(",-0.5,x y"), (PlainRow{-0.5, 1, {Named("b", "x y")}}));
}

TEST(CsvFormatTest, TakesTheColumnNamedLabelWhereNoneIsNamed) {
  FormatTester tester("csv", {});
  EXPECT_EQ(tester.Feed("label,a"), "none");
  EXPECT_EQ(tester.RowOf("1,x"), (PlainRow{1, 1, {Named("a", "x")}}));
}

TEST(CsvFormatTest, DerivesTheLabelByARule) {
  FormatTester tester("csv", Options("delay", ">=15"));
  tester.Feed("delay,a");
  EXPECT_EQ(tester.RowOf("15,").label, 1);
  EXPECT_EQ(tester.RowOf("14.9,").label, 0);
  EXPECT_EQ(tester.RowOf("-20,").label, 0);
  EXPECT_EQ(tester.Feed("NA,"),
            "column 1: label column \"delay\" has \"NA\"; --positive '>=15' needs a finite number");
}

TEST(CsvFormatTest, ReadsNumbersAndLeavesColumnsOut) {
  FormatOptions options = Options("y");
  options.numeric_columns = {"n", "m"};
  options.ignore_columns = {"id"};
  FormatTester tester("csv", options);
  tester.Feed("id,n,y,m,c");
  EXPECT_EQ(tester.RowOf("17,0.25,1, -3 ,z"),
            (PlainRow{1, 1, {Named("n", "n", 0.25f), Named("m", "m", -3), Named("c", "z")}}));
  EXPECT_EQ(tester.RowOf("17,,1,0,z"), (PlainRow{1, 1, {Named("c", "z")}}));
  EXPECT_EQ(tester.Feed("17,1,1,x,z"),
            "column 8: numeric column \"m\" has \"x\"; it must be a finite number or empty");
  EXPECT_EQ(tester.Feed("17,inf,1,2,z"),
            "column 4: numeric column \"n\" has \"inf\"; it must be a finite number or empty");
}

TEST(CsvFormatTest, AddsTheCategoriesOfATime) {
  FormatOptions options = Options("y");
  options.time_features_column = "t";
  FormatTester tester("csv", options);
  tester.Feed("t,y");
  EXPECT_EQ(tester.RowOf("2001-01-01 09:30,1").features,
            (std::vector<PlainFeature>{Named("t", "hour=09"), Named("t", "weekday_hour=mon_09"),
                                       Named("t", "weekday=mon"), Named("t", "month_day=01-01")}));
  EXPECT_EQ(tester.RowOf("2000-02-29,1").features,
            (std::vector<PlainFeature>{Named("t", "weekday=tue"), Named("t", "month_day=02-29")}));
  EXPECT_EQ(tester.RowOf(",1").features, std::vector<PlainFeature>{});
  EXPECT_EQ(tester.Feed("2001-02-29,1"),
            "column 1: time column \"t\" has \"2001-02-29\"; it must be as 2001-12-31, 2001-12-31 "
            "09:30 or 2001-12-31T09:30:00Z, or Unix seconds, or empty");
}

TEST(CsvFormatTest, UndoesQuotes) {
  FormatTester tester("csv", Options("y"));
  EXPECT_EQ(tester.Feed("\"y\",\"a,b\",c"), "none");
  EXPECT_EQ(tester.RowOf("\"1\",\"x \"\"y\"\", z\",5\" pipe"),
            (PlainRow{1, 1, {Named("a,b", "x \"y\", z"), Named("c", "5\" pipe")}}));
  EXPECT_EQ(tester.RowOf("1,\"\",\"\"\"\""), (PlainRow{1, 1, {Named("c", "\"")}}));
  EXPECT_EQ(tester.RowOf("1,\"a\"\"\",\"b\"\"c\"\"\""),
            (PlainRow{1, 1, {Named("a,b", "a\""), Named("c", "b\"c\"")}}));
  EXPECT_EQ(tester.Feed("1,\"a\"b,c"),
            "column 6: unexpected \"b\" after the closing quote of a cell; a quote within a quoted "
            "cell must be doubled");
}

TEST(CsvFormatTest, JoinsTheLinesOfAQuotedCell) {
  FormatTester tester("csv", Options("y"));
  tester.Feed("y,a,b");
  EXPECT_EQ(tester.Feed("1,\"first"), "none");
  EXPECT_EQ(tester.Feed(""), "none");
  EXPECT_EQ(tester.RowOf("third\",x"),
            (PlainRow{1, 1, {Named("a", "first\n\nthird"), Named("b", "x")}}));
  EXPECT_EQ(tester.EndFile(), "ok");
  EXPECT_EQ(tester.Feed("1,\"open"), "none");
  EXPECT_EQ(tester.EndFile(),
            "column 1: the file ends within a quoted cell; its closing quote is missing");
  EXPECT_EQ(tester.EndFile(), "ok");
}

TEST(CsvFormatTest, GivesUpOnAQuoteThatIsNeverClosed) {
  FormatTester tester("csv", Options("y"));
  tester.Feed("y,a");
  EXPECT_EQ(tester.Feed("1,\"open"), "none");
  const std::string line(100'000, 'x');
  std::string result = "none";
  for (int i = 0; i < 11 && result == "none"; ++i) result = tester.Feed(line);
  EXPECT_EQ(result,
            "column 1: a quoted cell that began 11 lines above has no closing quote within 1048576 "
            "bytes");
  EXPECT_EQ(tester.RowOf("1,x"), (PlainRow{1, 1, {Named("a", "x")}}));
}

TEST(CsvFormatTest, ReadsTheHeaderOfEachFile) {
  FormatTester tester("csv", Options("y"));
  tester.Feed("y,a");
  tester.Feed("1,x");
  tester.BeginFile();
  EXPECT_EQ(tester.Feed("b,y"), "none");
  EXPECT_EQ(tester.RowOf("z,0"), (PlainRow{0, 1, {Named("b", "z")}}));
  EXPECT_EQ(tester.builder().row_count(), 2u);
}

TEST(CsvFormatTest, SkipsBlankLinesAndCarriageReturns) {
  FormatTester tester("csv", Options("y"));
  EXPECT_EQ(tester.Feed(""), "none");
  EXPECT_EQ(tester.Feed("y,a\r"), "none");
  EXPECT_EQ(tester.Feed("\r"), "none");
  EXPECT_EQ(tester.RowOf("1,x\r"), (PlainRow{1, 1, {Named("a", "x")}}));
}

TEST(CsvFormatTest, ReportsAWrongNumberOfCells) {
  FormatTester tester("csv", Options("y"));
  tester.Feed("y,a,b");
  EXPECT_EQ(tester.Feed("1,x"), "column 3: the row has 2 cells, but the header has 3");
  EXPECT_EQ(tester.Feed("1,x,y,z,w"), "column 7: the row has 5 cells, but the header has 3");
}

TEST(CsvFormatTest, ReportsBadLabels) {
  FormatTester tester("csv", Options("y"));
  tester.Feed("a,y");
  EXPECT_EQ(tester.Feed("x,"), "column 3: label column \"y\" is empty");
  EXPECT_EQ(tester.Feed("x,yes"),
            "column 3: label column \"y\" has \"yes\"; it must be a finite number, or --positive "
            "must say what is positive, as in --positive '=yes'");
}

TEST(CsvFormatTest, NeedsNoLabelToPredict) {
  FormatOptions options = Options("y", ">1");
  options.labels_required = false;
  FormatTester tester("csv", options);
  EXPECT_EQ(tester.Feed("a,b"), "none");
  EXPECT_EQ(tester.RowOf("1,2"), (PlainRow{0, 1, {Named("a", "1"), Named("b", "2")}}));
  tester.BeginFile();
  EXPECT_EQ(tester.Feed("a,y"), "none");
  EXPECT_EQ(tester.RowOf("1,"), (PlainRow{0, 1, {Named("a", "1")}}));
  EXPECT_EQ(tester.RowOf("1,2"), (PlainRow{1, 1, {Named("a", "1")}}));
}

TEST(CsvFormatTest, ReportsColumnsThatTheHeaderDoesNotHave) {
  FormatTester tester("csv", Options("late"));
  EXPECT_EQ(tester.Feed("a,b,c"),
            "column 1: the header has no label column \"late\"; say which it is with --label; the "
            "columns are: a, b, c");
  EXPECT_EQ(FormatTester("csv", {}).Feed("a,b"),
            "column 1: the header has no label column \"label\"; say which it is with --label; the "
            "columns are: a, b");
  FormatOptions options = Options("a");
  options.numeric_columns = {"z"};
  EXPECT_EQ(FormatTester("csv", options).Feed("a,b"),
            "column 1: --numeric names column \"z\", which the header does not have; the columns "
            "are: a, b");
  options.numeric_columns = {"a"};
  EXPECT_EQ(FormatTester("csv", options).Feed("a,b"),
            "column 1: --numeric names column \"a\", which another option gives another role");
}

TEST(CsvFormatTest, SplitsAtTabsOrAnotherDelimiter) {
  FormatTester tsv("tsv", Options("y"));
  tsv.Feed("y\ta");
  EXPECT_EQ(tsv.RowOf("1\tx,z"), (PlainRow{1, 1, {Named("a", "x,z")}}));
  FormatOptions options = Options("y");
  options.delimiter = ';';
  FormatTester semicolons("csv", options);
  semicolons.Feed("y;a");
  EXPECT_EQ(semicolons.RowOf("1;x,z"), (PlainRow{1, 1, {Named("a", "x,z")}}));
}

TEST(LabelRuleTest, Judges) {
  const auto judge = [](std::string_view rule, std::string_view cell) {
    switch (LabelRule::Parse(rule)->Judge(cell)) {
      case LabelRule::Verdict::kPositive:
        return '+';
      case LabelRule::Verdict::kNegative:
        return '-';
      case LabelRule::Verdict::kNotANumber:
        return '?';
    }
    return '!';
  };
  EXPECT_EQ(judge(">15", "15"), '-');
  EXPECT_EQ(judge(">15", "15.5"), '+');
  EXPECT_EQ(judge(">= 15", "15"), '+');
  EXPECT_EQ(judge("<15", "15"), '-');
  EXPECT_EQ(judge("<15", "-1e9"), '+');
  EXPECT_EQ(judge("<=-1.5", "-1.5"), '+');
  EXPECT_EQ(judge("<=1", "x"), '?');
  EXPECT_EQ(judge("<=1", "nan"), '?');
  EXPECT_EQ(judge("=yes", "yes"), '+');
  EXPECT_EQ(judge("=yes", " yes "), '+');
  EXPECT_EQ(judge("=yes", "Yes"), '-');
  EXPECT_EQ(judge("!=yes", "no"), '+');
  EXPECT_EQ(judge("=1", "1.0"), '+');
  EXPECT_EQ(judge("==1", "x"), '-');
  EXPECT_EQ(judge("!=1", "x"), '+');
  EXPECT_EQ(judge("!=1", "1e0"), '-');
}

TEST(LabelRuleTest, RefusesWhatIsNoRule) {
  for (const std::string_view rule : {"", "15", "yes", ">", ">=x", "~1", "=>1"}) {
    const auto parsed = LabelRule::Parse(rule);
    if (rule == "=>1") {
      EXPECT_TRUE(parsed.ok());  // Equal to the text ">1".
    } else {
      EXPECT_TRUE(absl::IsInvalidArgument(parsed.status())) << rule;
    }
  }
  EXPECT_EQ(MakeRowFormat("csv", Options("y", "yes")).status().message(),
            "--positive \"yes\": it must start with one of >= > <= < = !=, as in '>=15' or '=yes'");
}

TEST(TimeFeaturesTest, ReadsTheFormsOfATime) {
  const auto parsed = [](std::string_view text) -> std::string {
    CivilTime time{};
    if (!ParseCivilTime(text, time)) return "no";
    return std::to_string(time.month) + "/" + std::to_string(time.day) + " " +
           std::to_string(time.weekday) + " " + std::to_string(time.hour);
  };
  EXPECT_EQ(parsed("2001-09-11 08:46"), "9/11 1 8");
  EXPECT_EQ(parsed("2001-09-11T08:46:00Z"), "9/11 1 8");
  EXPECT_EQ(parsed("2001-09-11T08:46:59.123456Z"), "9/11 1 8");
  EXPECT_EQ(parsed("2001-09-11"), "9/11 1 -1");
  EXPECT_EQ(parsed("1970-01-01 00:00"), "1/1 3 0");
  EXPECT_EQ(parsed("1600-02-29 23:59"), "2/29 1 23");
  EXPECT_EQ(parsed("9999-12-31"), "12/31 4 -1");
  EXPECT_EQ(parsed("0"), "1/1 3 0");
  EXPECT_EQ(parsed("1000197960"), "9/11 1 8");
  EXPECT_EQ(parsed("951782400.5"), "2/29 1 0");
  EXPECT_EQ(parsed("1709164800"), "2/29 3 0");
  EXPECT_EQ(parsed("4107542399"), "2/28 6 23");  // 2100 is no leap year.
  EXPECT_EQ(parsed("4107542400"), "3/1 0 0");
  EXPECT_EQ(parsed("253402300799"), "12/31 4 23");
  for (const std::string_view text : {"",
                                      "x",
                                      "2001-13-01x",
                                      "2001-00-01",
                                      "2001-13-01",
                                      "2001-01-00",
                                      "2001-01-32",
                                      "2001-02-29",
                                      "1900-02-29",
                                      "0000-01-01",
                                      "2001-1-1",
                                      "2001-01-01 ",
                                      "2001-01-01 8:00",
                                      "2001-01-01 24:00",
                                      "2001-01-01 08:60",
                                      "2001-01-01 08:00:61",
                                      "2001-01-01 08:00:0",
                                      "2001-01-01 08:00:00.",
                                      "2001-01-01 08:00+02:00",
                                      "2001-01-01 08:00ZZ",
                                      "2001-01-01x08:00",
                                      "-1",
                                      "1.",
                                      "12x",
                                      "253402300800",
                                      "99999999999999999999999999"}) {
    EXPECT_EQ(parsed(text), "no") << text;
  }
}

}  // namespace
}  // namespace freshet
