// All rows of public data sets, read as push reads them.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "client/input/line_reader.h"
#include "core/base/str_cat.h"
#include "core/format/row_format.h"
#include "tests/core/format/rows.h"

namespace freshet {
namespace {

// Real files in the folder that the environment variable FRESHET_DATA names.
struct DataFile {
  std::string_view name;
  std::string_view format;
  uint64_t rows;
  double positive;
  std::vector<std::string_view> first;  // Names of the first row's features in namespace f.
};

std::string TestName(const testing::TestParamInfo<DataFile>& file) {
  std::string name =
      StrCat(file.param.name.substr(0, file.param.name.find('.')), "_", file.param.format);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

void PrintTo(const DataFile& file, std::ostream* out) { *out << file.name; }

class DataTest : public testing::TestWithParam<DataFile> {};

TEST_P(DataTest, ReadsEveryRow) {
  const char* const folder = std::getenv("FRESHET_DATA");
  if (folder == nullptr) GTEST_SKIP() << "set FRESHET_DATA to the folder of real data to run this";
  const DataFile& file = GetParam();
  FormatOptions options;
  if (file.format == "csv") {
    options.label_field = "delay";
    options.positive = ">=15";
    options.numeric_fields = {"distance"};
    options.time_features_field = "date";
  }
  const auto format = MakeRowFormat(file.format, options);
  ASSERT_TRUE(format.ok());
  LineReader reader({std::string(folder) + "/" + std::string(file.name)}, {});
  ExampleBatchBuilder builder;
  uint64_t rows = 0;
  double positive = 0;
  std::string_view line;
  while (true) {
    const auto more = reader.Next(line);
    ASSERT_TRUE(more.ok()) << more.status();
    if (!*more) break;
    if (reader.is_first_line()) (*format)->BeginFile(reader.path());
    const auto added = (*format)->ParseLine(line, builder);
    ASSERT_TRUE(added.ok()) << "line " << reader.line_number() << ": " << added.status();
    if (!*added) continue;
    if (rows == 0 && !file.first.empty()) {
      std::vector<PlainFeature> expected;
      for (const std::string_view name : file.first) expected.push_back(Named("f", name));
      EXPECT_EQ(RowsOf(builder).back().features, expected);
    }
    positive += builder.View().labels.back() > 0 ? 1 : 0;
    ++rows;
    builder.Clear();
  }
  EXPECT_EQ(rows, file.rows);
  EXPECT_NEAR(positive / static_cast<double>(rows), file.positive, 0.0001);
}

INSTANTIATE_TEST_SUITE_P(
    Files, DataTest,
    testing::Values(DataFile{"a9a.vw.gz",
                             "vw",
                             48841,
                             0.2393,
                             {"3", "11", "14", "19", "39", "42", "55", "64", "67", "73", "75", "76",
                              "80", "83"}},
                    DataFile{"a9a.svm.gz", "svmlight", 32560, 0.2408, {}},
                    DataFile{"elec2.vw.gz", "vw", 45312, 0.4246, {}},
                    DataFile{"obd.vw.gz",
                             "vw",
                             40000,
                             0.0052,
                             {"c=men", "item=men2", "pos=2", "u0=cef3390e", "u1=2d03db55",
                              "u2=c2e4f76c", "u3=c39b0c7d", "i1=77490d05", "i2=bfcce809",
                              "i3=7a0c97ee", "iu=men2_cef3390e"}},
                    DataFile{"flights.vw.gz",
                             "vw",
                             1000000,
                             0.2290,
                             {"o=LAS", "d=PHL", "od=LASPHL", "h=00", "dow=0", "hdow=00_0",
                              "oh=LAS00", "day=01-01", "oday=LAS01-01", "dist=30"}},
                    DataFile{"flights-1m.csv.gz", "csv", 1000000, 0.2290, {}},
                    DataFile{"kdd99.vw.gz", "vw", 494021, 0.8031, {}},
                    DataFile{"rcv1_small.vw.gz", "vw", 1500, 0.4693, {}}),
    TestName);

}  // namespace
}  // namespace freshet
