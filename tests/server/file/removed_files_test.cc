#include "server/file/removed_files.h"

#include <gtest/gtest.h>

#include "absl/time/time.h"
#include "tests/support/fault_file_system.h"

namespace freshet {
namespace {

// A repair may move a file away, give its name to another one, and then cut that one off, too.
TEST(RemovedFilesTest, KeepsBothFilesThatHadTheSamePath) {
  FaultFileSystem files;
  ASSERT_TRUE(files.CreateDir("/m").ok());
  RemovedFiles removed(files, "/m", absl::UnixEpoch());
  files.WriteAll("/m/a.log", "first");
  ASSERT_TRUE(removed.Move("/m/a.log").ok());
  files.WriteAll("/m/a.log", "second");
  ASSERT_TRUE(removed.Copy("/m/a.log").ok());
  ASSERT_TRUE(removed.Move("/m/a.log").ok());
  EXPECT_EQ(files.ReadAll(removed.folder() + "/a.log"), "first");
  EXPECT_EQ(files.ReadAll(removed.folder() + "/a.log-2"), "second");
  EXPECT_EQ(files.ReadAll(removed.folder() + "/a.log-3"), "second");
}

}  // namespace
}  // namespace freshet
