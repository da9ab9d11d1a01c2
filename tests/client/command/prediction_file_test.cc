#include "client/command/prediction_file.h"

#include <iterator>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/file_text.h"
#include "tests/support/temporary_folder.h"

namespace freshet {
namespace {

// Bad rows used to have no line, so all later rows were on the wrong lines.
TEST(PredictionFileTest, BadRowsHaveALineOfTheirOwn) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/predictions";
  const auto file = PredictionFile::Create(path);
  ASSERT_TRUE(file.ok()) << file.status();
  (*file)->AddBadRow(0);
  (*file)->AddBadRow(2);
  (*file)->AddBadRow(2);
  (*file)->Write(std::vector<float>{0.5f});
  (*file)->AddBadRow(4);  // Read long before the rows ahead of it are answered.
  (*file)->Write(std::vector<float>{0.25f, 1, 0});
  EXPECT_TRUE((*file)->Close().ok());
  EXPECT_EQ(FileText(path), "nan\n0.5\n0.25\nnan\nnan\n1\n0\nnan\n");
}

}  // namespace
}  // namespace freshet
