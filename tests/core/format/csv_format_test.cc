#include "core/format/csv_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/str_cat.h"
#include "tests/core/format/rows.h"

namespace freshet {
namespace {

using ::testing::StartsWith;

FormatOptions Options(std::string label, std::string positive = "") {
  FormatOptions options;
  options.label_field = std::move(label);
  options.positive = std::move(positive);
  return options;
}

TEST(CsvFormatTest, MakesACategoryOfEachColumnButTheLabel) {
  FormatTester tester("csv", Options("y"));
  EXPECT_EQ(tester.Feed("a,y,b"), "none");
  EXPECT_EQ(tester.RowOf("red,1,7"), (PlainRow{1, 1, {Named("a", "red"), Named("b", "7")}}));
  EXPECT_EQ(tester.RowOf(",-0.5,x y"), (PlainRow{-0.5, 1, {Named("b", "x y")}}));
}

// Events have ids, times and weights, but no labels.
TEST(CsvFormatTest, EventsHaveAnIdAndATimeThatGiveNoFeatures) {
  FormatOptions options;
  options.labels_required = false;
  options.is_event = true;
  options.weight_field = "w";
  options.event_id_field = "id";
  options.event_time_field = "at";
  FormatTester tester("csv", options);
  EXPECT_EQ(tester.Feed("id,at,a,w"), "none");
  EXPECT_EQ(tester.RowOf("e1,1700000000,red,2.5"), (PlainRow{0, 2.5, {Named("a", "red")}}));
  EXPECT_EQ(tester.tag(), "e1");
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
  options.numeric_fields = {"n", "m"};
  options.ignore_fields = {"id"};
  FormatTester tester("csv", options);
  tester.Feed("id,n,y,m,c");
  EXPECT_EQ(tester.RowOf("17,0.25,1, -3 ,z"),
            (PlainRow{1, 1, {Named("n", "n", 0.25f), Named("m", "m", -3), Named("c", "z")}}));
  EXPECT_EQ(tester.RowOf("17,,1,0,z"), (PlainRow{1, 1, {Named("c", "z")}}));
  EXPECT_EQ(
      tester.Feed("17,1,1,x,z"),
      "column 8: numeric column \"m\" has \"x\"; it must be a finite number or empty; --missing "
      "names text that means no value");
  EXPECT_EQ(tester.Feed("17,inf,1,2,z"),
            "column 4: numeric column \"n\" has \"inf\"; it must be a finite number or empty; "
            "--missing names text that means no value");
}

TEST(CsvFormatTest, AddsTheCategoriesOfATime) {
  FormatOptions options = Options("y");
  options.time_features_field = "t";
  FormatTester tester("csv", options);
  tester.Feed("t,y");
  EXPECT_EQ(tester.RowOf("2001-01-01 09:30,1").features,
            (std::vector<PlainFeature>{Named("t", "hour=09"), Named("t", "weekday_hour=mon_09"),
                                       Named("t", "weekday=mon"), Named("t", "month_day=01-01")}));
  EXPECT_EQ(tester.RowOf("2000-02-29,1").features,
            (std::vector<PlainFeature>{Named("t", "weekday=tue"), Named("t", "month_day=02-29")}));
  EXPECT_EQ(tester.RowOf(",1").features, std::vector<PlainFeature>{});
  EXPECT_EQ(
      tester.Feed("2001-02-29,1"),
      "column 1: time column \"t\" has \"2001-02-29\"; it must be empty, or a time such as "
      "2001-12-31, 2001-12-31T09:30:00Z, 20011231, 2001123109, 01123109 (YYMMDDHH), or seconds "
      "or milliseconds since 1970; --time-format reads others, as in '%d.%m.%Y'");
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

// A line of blanks used to be a row with too few cells.
TEST(CsvFormatTest, SkipsLinesOfBlanks) {
  for (const bool keep_blanks : {false, true}) {
    FormatTester tester("csv", {.keep_blanks = keep_blanks});
    EXPECT_EQ(tester.Feed("label,a"), "none");
    for (const std::string_view line : {"   ", "\t", " \t \r"}) {
      EXPECT_EQ(tester.Feed(line), "none");
    }
    EXPECT_EQ(tester.RowOf("1,x").features, (std::vector<PlainFeature>{Named("a", "x")}));
    EXPECT_EQ(tester.Feed("1,\"y"), "none");
    EXPECT_EQ(tester.Feed("  "), "none");
    EXPECT_EQ(tester.RowOf("z\"").features, (std::vector<PlainFeature>{Named("a", "y\n  \nz")}));
    EXPECT_EQ(tester.Feed(" ,  "),
              StrCat("column ", keep_blanks ? 1 : 2, ": label column \"label\" is empty"));
  }
  FormatTester tsv("tsv", {});
  tsv.Feed("a\tlabel");
  EXPECT_EQ(tsv.Feed("  "), "none");
  EXPECT_EQ(tsv.Feed("\t"), "column 2: label column \"label\" is empty");
}

TEST(CsvFormatTest, ReportsAWrongNumberOfCells) {
  FormatTester tester("csv", Options("y"));
  tester.Feed("y,a,b");
  EXPECT_EQ(tester.Feed("1"), "column 1: the row has 1 cell, but the header has 3");
  EXPECT_EQ(tester.Feed("1,x"), "column 3: the row has 2 cells, but the header has 3");
  EXPECT_EQ(tester.Feed("1,x,y,z,w"), "column 7: the row has 5 cells, but the header has 3");
}

TEST(CsvFormatTest, ReportsBadLabels) {
  FormatTester tester("csv", Options("y"));
  tester.Feed("a,y");
  EXPECT_EQ(tester.Feed("x,"), "column 3: label column \"y\" is empty");
  EXPECT_EQ(
      tester.Feed("x,maybe"),
      "column 3: label column \"y\" has \"maybe\"; it must be a finite number, or true or "
      "false, or yes or no; --positive turns other text into labels, as in --positive '=click'");
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
            "column 1: the header has no label column \"late\"; name it with --label; the "
            "columns are: a, b, c");
  EXPECT_EQ(FormatTester("csv", {}).Feed("a,b"),
            "column 1: the header has no label column \"label\"; name it with --label; the "
            "columns are: a, b");
  FormatOptions options = Options("a");
  options.numeric_fields = {"z"};
  EXPECT_EQ(FormatTester("csv", options).Feed("a,b"),
            "column 1: --numeric names column \"z\", which the header does not have; the columns "
            "are: a, b");
  options.numeric_fields = {"a"};
  EXPECT_EQ(FormatTester("csv", options).Feed("a,b"),
            "column 1: --numeric names column \"a\", which another option already uses");
}

TEST(CsvFormatTest, SplitsAtTabsOrAnotherDelimiter) {
  FormatTester tsv("tsv", Options("y"));
  tsv.Feed("y\ta");
  EXPECT_EQ(tsv.RowOf("1\tx,z"), (PlainRow{1, 1, {Named("a", "x,z")}}));
  FormatOptions options = Options("y");
  options.delimiter = ";";
  FormatTester semicolons("csv", options);
  semicolons.Feed("y;a");
  EXPECT_EQ(semicolons.RowOf("1;x,z"), (PlainRow{1, 1, {Named("a", "x,z")}}));
}

// Spreadsheets and people put blanks after commas; once, a column " label" was not found.
TEST(CsvFormatTest, TakesBlanksOffNamesAndCells) {
  FormatTester tester("csv", {});
  tester.Feed("age, workclass\t, \"education\" , label");
  EXPECT_EQ(tester.RowOf("39, State-gov , Bachelors,\t1 "),
            (PlainRow{1,
                      1,
                      {Named("age", "39"), Named("workclass", "State-gov"),
                       Named("education", "Bachelors")}}));
  EXPECT_EQ(tester.RowOf("50, Private, \"HS, grad\", 0").features,
            (std::vector<PlainFeature>{Named("age", "50"), Named("workclass", "Private"),
                                       Named("education", "HS, grad")}));
  EXPECT_EQ(tester.RowOf(" , \" \"\"a\"\" \",  , 0").features,
            (std::vector<PlainFeature>{Named("workclass", "\"a\"")}));
  EXPECT_EQ(
      tester.Feed("1, 2, \"a\" b, 0"),
      "column 11: unexpected \"b\" after the closing quote of a cell; a quote within a quoted "
      "cell must be doubled");
  // A delimiter that is a blank or a tab is not trimmed as a blank around a cell.
  FormatTester tsv("tsv", {});
  tsv.Feed("label\t a\tb ");
  EXPECT_EQ(tsv.RowOf("1\t\t \"x\" ").features, (std::vector<PlainFeature>{Named("b", "x")}));
}

TEST(CsvFormatTest, KeepsBlanksWhereTold) {
  FormatOptions options = Options(" y");
  options.keep_blanks = true;
  options.missing = std::vector<std::string>{" -"};
  FormatTester tester("csv", options);
  tester.Feed("a, y");
  EXPECT_EQ(tester.RowOf(" x , 1 "), (PlainRow{1, 1, {Named("a", " x ")}}));
  EXPECT_EQ(tester.RowOf("\" x\",0").features, (std::vector<PlainFeature>{Named("a", " x")}));
  EXPECT_EQ(tester.RowOf(" -,0").features, std::vector<PlainFeature>{});
  EXPECT_EQ(tester.RowOf("-,0").features, (std::vector<PlainFeature>{Named("a", "-")}));
}

// "--numeric 'age, height'" used to look for a column " height".
TEST(CsvFormatTest, TakesBlanksOffTheNamesAndWordsOfItsOptions) {
  FormatOptions options = Options(" y");
  options.numeric_fields = {"age", " height"};
  options.ignore_fields = {"id\t"};
  options.weight_field = " w ";
  options.missing = std::vector<std::string>{"NA", " none"};
  FormatTester tester("csv", options);
  EXPECT_EQ(tester.Feed("y,age,height,id,w,c"), "none");
  EXPECT_EQ(tester.RowOf("1,40,1.8,7,2,none"),
            (PlainRow{1, 2, {Named("age", "age", 40), Named("height", "height", 1.8f)}}));
}

TEST(CsvFormatTest, ReadsTheWeightOfItsColumn) {
  FormatOptions options;
  options.weight_field = "w";
  FormatTester tester("csv", options);
  tester.Feed("label,w,x");
  EXPECT_EQ(tester.RowOf("1,2.5,a"), (PlainRow{1, 2.5, {Named("x", "a")}}));
  EXPECT_EQ(tester.RowOf("0, 0,b"), (PlainRow{0, 0, {Named("x", "b")}}));
  for (const std::string cell : {"", "-1", "inf", "NA", "heavy"}) {
    EXPECT_EQ(tester.Feed("0," + cell + ",b"), "column 3: weight column \"w\" has \"" + cell +
                                                   "\"; it must be a finite number of at least 0");
  }
  EXPECT_EQ(
      FormatTester("csv", options).Feed("label,x"),
      "column 1: --weight names column \"w\", which the header does not have; the columns are: "
      "label, x");
  EXPECT_EQ(FormatTester("csv", options).Feed("label,w,w"),
            "column 1: the header has more than one weight column \"w\"");
  options.labels_required = false;
  FormatTester predicting("csv", options);
  predicting.Feed("x");
  EXPECT_EQ(predicting.RowOf("a"), (PlainRow{0, 1, {Named("x", "a")}}));
  predicting.BeginFile();
  predicting.Feed("x,w");
  EXPECT_EQ(predicting.RowOf("a,heavy"), (PlainRow{0, 1, {Named("x", "a")}}));
}

TEST(CsvFormatTest, LeavesOutNumbersAndTimesThatAreMissing) {
  FormatOptions options;
  options.numeric_fields = {"n"};
  options.time_features_field = "t";
  FormatTester tester("csv", options);
  tester.Feed("label,n,t,c");
  for (const std::string word :
       {"",       "NA",       "na",        "N/A",    "#N/A",    "nan",     "NaN",       "-nan",
        "NULL",   "null",     "None",      "nil",    "?",       "-",       "\\N",       ".",
        " NA ",   "#N/A N/A", "n.a.",      "NaT",    "1.#QNAN", "-1.#IND", "-nan(ind)", "#NULL!",
        "<null>", "[NULL]",   "undefined", "\"NA\"", "\u2014"}) {
    EXPECT_EQ(tester.RowOf(StrCat("1,", word, ",", word, ",x")).features,
              (std::vector<PlainFeature>{Named("c", "x")}))
        << word;
  }
  // Namibia.
  EXPECT_EQ(tester.RowOf("1,,,NA").features, (std::vector<PlainFeature>{Named("c", "NA")}));
  EXPECT_EQ(tester.Feed("0,1_000,,"),
            "column 3: numeric column \"n\" has \"1_000\"; it must be a finite number or empty; "
            "--missing names text that means no value");
  EXPECT_EQ(tester.Feed("1,\"1,000\",,"),
            "column 3: numeric column \"n\" has \"1,000\"; it must be a finite number or empty; "
            "--decimal-comma reads 0,5 as 0.5");
}

TEST(CsvFormatTest, LeavesOutGivenWordsInEveryColumn) {
  FormatOptions options;
  options.numeric_fields = {"n"};
  options.missing = std::vector<std::string>{"NA", "-999", "unknown"};
  FormatTester tester("csv", options);
  tester.Feed("label,n,c");
  EXPECT_EQ(tester.RowOf("1,-999,unknown").features, std::vector<PlainFeature>{});
  EXPECT_EQ(tester.RowOf("1,NA,Unknown").features,
            (std::vector<PlainFeature>{Named("c", "Unknown")}));
  EXPECT_THAT(tester.Feed("1,NULL,x"), StartsWith("column 3: numeric column \"n\" has \"NULL\"; "));
  EXPECT_EQ(tester.Feed("NA,1,x"), "column 1: label column \"label\" is empty");
}

TEST(CsvFormatTest, ReadsDecimalCommasWhereTold) {
  FormatOptions options;
  options.numeric_fields = {"n"};
  options.weight_field = "w";
  options.positive = ">=0,5";
  options.decimal_mark = DecimalMark::kComma;
  FormatTester tester("csv", options);
  tester.Feed("label;n;w");
  EXPECT_EQ(tester.RowOf("0,75;-1,5e1;2,5"), (PlainRow{1, 2.5, {Named("n", "n", -15)}}));
  EXPECT_EQ(tester.RowOf("0;7;1"), (PlainRow{0, 1, {Named("n", "n", 7)}}));
  EXPECT_EQ(tester.Feed("0;1.234,5;1"),
            "column 3: numeric column \"n\" has \"1.234,5\"; it must be a finite number or empty; "
            "with --decimal-comma, numbers must not contain a point");
}

TEST(CsvFormatTest, FindsTheDelimiterOfAHeaderWithoutACommaInIt) {
  const auto name_of_second = [](std::string_view header, std::string_view row) {
    FormatTester tester("csv", {});
    EXPECT_EQ(tester.Feed(header), "none") << header;
    return tester.RowOf(row).features;
  };
  const std::vector<PlainFeature> expected = {Named("b", "x")};
  EXPECT_EQ(name_of_second("label;b", "1;x"), expected);
  EXPECT_EQ(name_of_second("label\tb", "1\tx"), expected);
  EXPECT_EQ(name_of_second("label|b", "1|x"), expected);
  EXPECT_EQ(name_of_second("\"label\";\"b\"", "1;x"), expected);
  EXPECT_EQ(name_of_second("label,b", "1,x"), expected);
  EXPECT_EQ(name_of_second("label,b;c", "1,x;y"), (std::vector<PlainFeature>{Named("b;c", "x;y")}));
  EXPECT_EQ(FormatTester("csv", {}).Feed("label:b"),
            "column 1: the header has no label column \"label\"; name it with --label; the "
            "columns are: label:b; cells are separated by \",\" unless --delimiter says otherwise");
  EXPECT_EQ(FormatTester("csv", {}).Feed("price, EUR;label"),
            "column 1: the header has no label column \"label\"; name it with --label; the "
            "columns are: price, EUR;label; cells are separated by \",\" unless --delimiter says "
            "otherwise");
}

// Spreadsheets write such a line where the delimiter is not the usual one.
TEST(CsvFormatTest, ALineAboveTheHeaderMayDeclareTheDelimiter) {
  const std::vector<PlainFeature> expected = {Named("b,c", "x")};
  FormatTester tester("csv", {});
  for (const std::string_view line : {"sep=;", "\"SEP=;\"\r"}) {
    tester.BeginFile();
    EXPECT_EQ(tester.Feed(line), "none");
    EXPECT_EQ(tester.Feed("label;b,c"), "none");
    EXPECT_EQ(tester.RowOf("1;x").features, expected);
  }
  // The next file need not have one.
  tester.BeginFile();
  EXPECT_EQ(tester.Feed("label|b,c,d"),
            "column 1: the header has no label column \"label\"; name it with --label; the "
            "columns are: label|b, c, d; cells are separated by \",\" unless --delimiter says "
            "otherwise");
  FormatTester told("csv", {.delimiter = "|"});
  EXPECT_EQ(told.Feed("sep=;"), "none");
  EXPECT_EQ(told.Feed("label|b,c"), "none");
  EXPECT_EQ(told.RowOf("1|x").features, expected);
}

TEST(CsvFormatTest, SplitsAtTextOfSeveralBytes) {
  FormatOptions options;
  options.delimiter = "::";
  FormatTester tester("csv", options);
  tester.Feed("label::a::b:c");
  EXPECT_EQ(tester.RowOf("1::x:y:: \"z::z\" "),
            (PlainRow{1, 1, {Named("a", "x:y"), Named("b:c", "z::z")}}));
  options.delimiter = "123456789";
  EXPECT_EQ(MakeRowFormat("csv", options).status().message(),
            "--delimiter \"123456789\": it must be 1 to 8 bytes without a quote or a line break");
  options.delimiter = "\"";
  EXPECT_FALSE(MakeRowFormat("csv", options).ok());
}

// Once, text in other encodings was sent to the server, which refused the whole batch with an error
// of Protobuf's.
TEST(CsvFormatTest, NamesTheColumnOfTextThatIsNotUtf8) {
  FormatTester tester("csv", {});
  EXPECT_EQ(
      tester.Feed("label,pr\xe9nom,ville"),
      "column 9: not UTF-8: byte 0xe9 in \"label,pr\\xe9nom,ville\"; convert the file first, as "
      "in 'iconv -f LATIN1 -t UTF-8 FILE'");
  tester.BeginFile();
  tester.Feed("label,prénom,ville");
  EXPECT_EQ(tester
                .Feed("1,Zo\xeb,Orl\xe9"
                      "ans")
                .substr(0, 31),
            "column 5: not UTF-8: byte 0xeb ");
  EXPECT_EQ(tester.RowOf("0,Zoë,Paris"),
            (PlainRow{0, 1, {Named("prénom", "Zoë"), Named("ville", "Paris")}}));
  // Even a bad record ends where its quotes say.
  EXPECT_EQ(tester.Feed("1,\"Zo\xeb"), "none");
  EXPECT_THAT(tester.Feed("1,2,3\",Paris"), StartsWith("column 6: not UTF-8:"));
  EXPECT_EQ(tester.Feed("1,2,3"), "row");
}

TEST(CsvFormatTest, TakesTheUsualWordsForLabels) {
  FormatTester tester("csv", {});
  tester.Feed("label");
  for (const std::string word : {"1", "true", "True", "TRUE", "yes", "Y", "t", " 1.0 "}) {
    EXPECT_EQ(tester.RowOf(word).label, 1) << word;
  }
  for (const std::string word : {"0", "false", "False", "no", "N", "f"}) {
    EXPECT_EQ(tester.RowOf(word).label, 0) << word;
  }
}

TEST(CsvFormatTest, PassesOverLabelsAndWeightsToPredict) {
  FormatTester tester("csv", {.labels_required = false, .weight_field = "w"});
  tester.Feed("label,w,a");
  EXPECT_EQ(tester.RowOf("maybe,heavy,x"), (PlainRow{0, 1, {Named("a", "x")}}));
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
  EXPECT_EQ(judge("=1", "true"), '+');
  EXPECT_EQ(judge("=0", "No"), '+');
  EXPECT_EQ(judge(">0.5", "f"), '-');
  EXPECT_EQ(judge("=true", "true"), '+');
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

}  // namespace
}  // namespace freshet
