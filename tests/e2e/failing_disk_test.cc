// Failures that the kernel really reports: a file that may not grow, a read-only disk, a folder
// that cannot be used.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/e2e/disk_fault_fixture.h"
#include "tests/support/model_dir.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

class FailingDiskTest : public DiskFaultTest {};

TEST_F(FailingDiskTest, AFileThatMayNotGrowIsNamedAndNothingIsLostOnceItMay) {
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
  rlimit before{};
  ASSERT_EQ(prlimit(server_->pid(), RLIMIT_FSIZE, nullptr, &before), 0) << std::strerror(errno);
  rlimit small = before;
  small.rlim_cur = 64 << 10;
  ASSERT_EQ(prlimit(server_->pid(), RLIMIT_FSIZE, &small, nullptr), 0) << std::strerror(errno);
  ExpectNothingIsLost(
      "File too large",
      [&] { EXPECT_EQ(prlimit(server_->pid(), RLIMIT_FSIZE, &before, nullptr), 0); },
      [&] { Start(); });
}

// A file system with open files cannot be made read-only, so it is mounted read-only over itself:
// open files can still be written, everything else is refused. Segments are small, so that the log
// soon needs a new file.
TEST_F(FailingDiskTest, AReadOnlyDiskIsNamedAndNothingIsLostOnceItCanBeWritten) {
  const absl::StatusOr<std::string> disk = MountTmpfs();
  if (!disk.ok()) GTEST_SKIP() << "a tmpfs cannot be mounted here: " << disk.status();
  const auto start = [&] { StartWithConfig("log { segment_bytes: 65536 }"); };
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
  const char* const at = disk->c_str();
  ASSERT_EQ(mount(at, at, nullptr, MS_BIND, nullptr), 0) << std::strerror(errno);
  ASSERT_EQ(mount(nullptr, at, nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr), 0)
      << std::strerror(errno);
  ExpectNothingIsLost(
      "Read-only file system",
      [&] { EXPECT_EQ(umount2(at, MNT_DETACH), 0) << std::strerror(errno); }, start);
}

TEST_F(FailingDiskTest, AnUnusableSnapshotFolderIsNamedAndStopsSnapshotsAlone) {
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
  ASSERT_TRUE(PushOneRow().ok());
  const std::string snapshots = ModelDirOf(data_dir_, "ctr") + "/snapshots";
  const auto break_folder = [&] {  // Fails for root too, who ignores permissions.
    std::filesystem::rename(snapshots, folder_.path() + "/aside");
    std::ofstream(snapshots) << "not a folder";
  };
  const auto mend_folder = [&] {
    std::filesystem::remove(snapshots);
    std::filesystem::rename(folder_.path() + "/aside", snapshots);
  };
  break_folder();
  const absl::Status refused = client_->CreateSnapshot("ctr", "kept").status();
  EXPECT_THAT(std::string(refused.message()), HasSubstr(snapshots));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("Not a directory"));
  EXPECT_TRUE(PushOneRow().ok());
  EXPECT_TRUE(Predicts());

  // A start does not know what is missing, so it reports the failure and changes nothing.
  const Digest digest = client_->ComputeDigest("ctr").value();
  server_->Kill();
  const absl::Status start = ServerProcess::Start(data_dir_, {"--strict"}).status();
  EXPECT_THAT(std::string(start.message()), HasSubstr(snapshots));
  mend_folder();
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_EQ(client_->ComputeDigest("ctr")->digest, digest.digest);
  EXPECT_TRUE(client_->CreateSnapshot("ctr", "kept").ok());
}

}  // namespace
}  // namespace freshet
