#include "client/command/rename_to_new.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/support/temporary_folder.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

// An export used to replace a file that had come into being meanwhile, on file systems without
// RENAME_NOREPLACE.
class RenameToNewTest
    : public testing::TestWithParam<absl::Status (*)(const std::string&, const std::string&)> {
 protected:
  std::string Path(const std::string& name) const { return folder_.path() + "/" + name; }

  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name)) << text;
  }

  std::string Content(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(Path(name)).rdbuf();
    return text.str();
  }

  const TemporaryFolder folder_;
};

TEST_P(RenameToNewTest, AFileGetsAFreeName) {
  Write("from", "new");
  const absl::Status status = GetParam()(Path("from"), Path("to"));
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(Content("to"), "new");
  EXPECT_FALSE(std::filesystem::exists(Path("from")));
}

TEST_P(RenameToNewTest, WhatHasTheNameStays) {
  Write("from", "new");
  Write("file", "old");
  std::filesystem::create_directory(Path("folder"));
  std::filesystem::create_symlink(Path("nowhere"), Path("link"));
  for (const char* name : {"file", "folder", "link"}) {
    const absl::Status status = GetParam()(Path("from"), Path(name));
    EXPECT_TRUE(absl::IsAlreadyExists(status)) << name << status;
  }
  EXPECT_EQ(Content("file"), "old");
  EXPECT_EQ(Content("from"), "new");
  EXPECT_TRUE(std::filesystem::is_symlink(Path("link")));
}

TEST_P(RenameToNewTest, OtherErrorsNameBothPaths) {
  Write("from", "new");
  const absl::Status status = GetParam()(Path("from"), Path("missing/to"));
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("cannot rename " + Path("from") + " to " + Path("missing/to")));
}

INSTANTIATE_TEST_SUITE_P(Ways, RenameToNewTest, testing::Values(&RenameToNew, &LinkToNew));

}  // namespace
}  // namespace freshet
