#include "client/command/example_reader.h"

#include <atomic>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

namespace freshet {
namespace {

class ExampleReaderTest : public testing::Test {
 protected:
  std::string Write(const std::string& name, std::string_view text) {
    std::string path = testing::TempDir() + "/" +
                       testing::UnitTest::GetInstance()->current_test_info()->name() + "." + name;
    std::ofstream(path) << text;
    return path;
  }

  const std::atomic<bool> stop_{false};
};

std::vector<float> ReadAll(ExampleReader* reader) {
  ExampleBatchBuilder builder;
  absl::StatusOr<bool> more = false;
  do {
    more = reader->Next(builder);
  } while (more.ok() && *more);
  EXPECT_TRUE(more.ok()) << more.status();
  const auto labels = builder.View().labels;
  return {labels.begin(), labels.end()};
}

TEST_F(ExampleReaderTest, ReadsTheHeaderOfEveryFile) {
  InputOptions options;
  options.files = {Write("a.csv", "label,x\n1,a\n0,b\n"), Write("b.csv", "x,label\nc,1\n")};
  ExampleReader reader(options, &stop_);
  EXPECT_EQ(ReadAll(&reader), (std::vector<float>{1, 0, 1}));
}

TEST_F(ExampleReaderTest, NamesFileAndLineOfABadRowAndGoesOn) {
  const std::string path = Write("a.vw", "1 |u a\nx |u b\n0 |u c\n");
  InputOptions options;
  options.files = {path};
  ExampleReader reader(options, &stop_);
  ExampleBatchBuilder builder;
  ASSERT_TRUE(*reader.Next(builder));
  const absl::Status bad = reader.Next(builder).status();
  EXPECT_TRUE(absl::IsInvalidArgument(bad));
  EXPECT_EQ(std::string(bad.message()).find(path + ":2: column 1: "), 0u) << bad;
  ASSERT_TRUE(*reader.Next(builder));
  EXPECT_EQ(reader.line_number(), 3u);
  EXPECT_FALSE(*reader.Next(builder));
  EXPECT_EQ(builder.row_count(), 2u);
}

TEST_F(ExampleReaderTest, LabelsThatLogisticLossDoesNotTakeAreBadRows) {
  InputOptions options;
  options.binary_labels = true;
  const std::string path = Write("a.vw", "1 |u a\n5 |u b |new c\n-1 |u d:0.5\n");
  options.files = {path};
  ExampleReader reader(options, &stop_);
  ExampleBatchBuilder builder;
  ASSERT_TRUE(*reader.Next(builder));
  const absl::Status bad = reader.Next(builder).status();
  EXPECT_TRUE(absl::IsInvalidArgument(bad));
  EXPECT_EQ(std::string(bad.message()).find(path + ":2: label 5: "), 0u) << bad;
  ASSERT_TRUE(*reader.Next(builder));
  const ExampleBatch view = builder.View();
  ASSERT_EQ(view.size(), 2u);
  EXPECT_EQ(view.labels[1], -1);
  EXPECT_EQ(view.feature_ids.size(), 2u);
  EXPECT_EQ(view.values[1], 0.5f);
}

TEST_F(ExampleReaderTest, ABadHeaderEndsTheReading) {
  InputOptions options;
  options.files = {Write("a.csv", "x,y\n1,2\n")};  // There is no column "label".
  ExampleReader reader(options, &stop_);
  ExampleBatchBuilder builder;
  EXPECT_TRUE(absl::IsDataLoss(reader.Next(builder).status()));
}

// The second file used to be read in the format of the first, so that each of its rows became one
// feature with a long name.
TEST_F(ExampleReaderTest, GuessesTheFormatOfEachFile) {
  InputOptions options;
  options.files = {Write("a.vw", "1 |u a\n0 |u b\n"), Write("b.csv", "label,u\n1,a\n"),
                   Write("c.txt", "\n \n{\"label\": 0, \"u\": \"b\"}\n"),
                   Write("d.svm", "1 3:1\n")};
  ExampleReader reader(options, &stop_);
  ExampleBatchBuilder builder;
  while (*reader.Next(builder)) {
  }
  const ExampleBatch rows = builder.View();
  ASSERT_EQ(rows.size(), 5u);
  EXPECT_EQ(rows.feature_ids[0], rows.feature_ids[2]);
  EXPECT_EQ(rows.feature_ids[1], rows.feature_ids[3]);
  EXPECT_EQ(rows.feature_ids[4], 3u);
}

TEST_F(ExampleReaderTest, AFileOfNoKnownFormatEndsTheReading) {
  InputOptions options;
  options.files = {Write("a.vw", "1 |u a\n"), Write("b", "hello\n")};
  ExampleReader reader(options, &stop_);
  ExampleBatchBuilder builder;
  EXPECT_TRUE(*reader.Next(builder));
  const absl::Status status = reader.Next(builder).status();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_EQ(std::string(status.message()).find("cannot tell the format of " + options.files[1]), 0u)
      << status;
}

TEST_F(ExampleReaderTest, OptionsOfOneFormatAreRefusedForAFileOfAnother) {
  InputOptions options;
  options.files = {Write("a.csv", "y,n\n1,2\n"), Write("b.vw", "1 |u a\n")};
  options.parse.label_field = "y";
  ExampleReader reader(options, &stop_);
  ExampleBatchBuilder builder;
  EXPECT_TRUE(*reader.Next(builder));
  const absl::Status status = reader.Next(builder).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_EQ(std::string(status.message()),
            options.files[1] + ": --label is for csv, tsv and jsonl, not for the format vw");
}

// Parses `words` with the options of push, and returns what is left as positional arguments.
std::vector<std::string> Files(const std::vector<std::string>& words, InputOptions& options) {
  CLI::App app;
  std::string model;
  app.add_option("model", model)->required();
  AddInputOptions(app, options);
  std::vector<std::string> reversed(words.rbegin(), words.rend());
  app.parse(reversed);
  return options.files;
}

// "push m --numeric age file.csv" used to take the file for a second column, and waited for
// standard input.
TEST_F(ExampleReaderTest, FlagsTakeOneValueEachAndMayBeRepeated) {
  InputOptions options;
  EXPECT_EQ(Files({"m", "--numeric", "age", "a.csv", "--ignore", "id", "b.csv", "--missing", "NA,-",
                   "c.csv", "--numeric", "height,weight", "--numeric=x"},
                  options),
            (std::vector<std::string>{"a.csv", "b.csv", "c.csv"}));
  EXPECT_EQ(options.parse.numeric_fields,
            (std::vector<std::string>{"age", "height", "weight", "x"}));
  EXPECT_EQ(options.parse.ignore_fields, (std::vector<std::string>{"id"}));
  EXPECT_EQ(options.parse.missing, (std::vector<std::string>{"NA", "-"}));
  InputOptions others;
  EXPECT_EQ(Files({"--missing", "", "--missing", "[x]", "--delimiter", "tab", "m",
                   "--decimal-comma", "a.csv", "--keep-blanks", "b.csv"},
                  others),
            (std::vector<std::string>{"a.csv", "b.csv"}));
  EXPECT_EQ(others.parse.missing, (std::vector<std::string>{"", "[x]"}));
  EXPECT_EQ(others.parse.delimiter, "\t");
  EXPECT_EQ(others.parse.decimal_mark, DecimalMark::kComma);
  EXPECT_TRUE(others.parse.keep_blanks);
}

// Such a row used to be refused by the server, which does not know its file and line.
TEST_F(ExampleReaderTest, ARowOfTooManyNamespacesIsABadRow) {
  std::string header = "label";
  std::string full = "1";
  std::string sparse = "0";
  for (int i = 0; i < 1025; ++i) {
    header += ",c" + std::to_string(i);
    full += ",x";
    sparse += i == 7 ? "," : ",x";
  }
  const std::string path = Write("a.csv", header + "\n" + full + "\n" + sparse + "\n");
  InputOptions options;
  options.files = {path};
  ExampleReader reader(options, &stop_);
  ExampleBatchBuilder builder;
  const absl::Status bad = reader.Next(builder).status();
  EXPECT_TRUE(absl::IsInvalidArgument(bad));
  EXPECT_EQ(std::string(bad.message()).find(path + ":2: the row has 1025 namespaces"), 0u) << bad;
  EXPECT_TRUE(*reader.Next(builder));
  EXPECT_EQ(builder.row_count(), 1u);
}

TEST_F(ExampleReaderTest, AMissingFileIsNotFound) {
  InputOptions options;
  options.files = {testing::TempDir() + "/no such file"};
  ExampleReader reader(options, &stop_);
  ExampleBatchBuilder builder;
  EXPECT_TRUE(absl::IsNotFound(reader.Next(builder).status()));
}

TEST_F(ExampleReaderTest, OptionsThatDoNotFitTheFormatEndTheReading) {
  InputOptions options;
  options.files = {Write("a.vw", "1 |u a\n")};
  options.parse.label_field = "delay";
  ExampleReader reader(options, &stop_);
  ExampleBatchBuilder builder;
  EXPECT_TRUE(absl::IsFailedPrecondition(reader.Next(builder).status()));
}

}  // namespace
}  // namespace freshet
