// A real disk that is full, namely a small tmpfs. Skipped if this user may not mount one.

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "tests/e2e/disk_fault_fixture.h"

namespace freshet {
namespace {

class DiskFullTest : public DiskFaultTest {
 protected:
  void SetUp() override {
    const absl::StatusOr<std::string> disk = MountTmpfs();
    if (!disk.ok()) GTEST_SKIP() << "a tmpfs cannot be mounted here: " << disk.status();
    filler_ = *disk + "/filler";
    ASSERT_NO_FATAL_FAILURE(Start());
    ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
    FillDisk();
  }

  // Takes all the remaining space.
  void FillDisk() const {
    std::ofstream filler(filler_, std::ios::binary);
    const std::string block(64 << 10, 'x');
    while (filler.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  void FreeDisk() const { std::filesystem::remove(filler_); }

  std::string filler_;
};

TEST_F(DiskFullTest, PushesSayWhyPredictionsGoOnAndWithSpaceNothingWasLost) {
  ExpectNothingIsLost(
      "No space left on device", [&] { FreeDisk(); }, [&] { Start(); });
}

// The server used to retry the write to the log until it was killed.
TEST_F(DiskFullTest, TheServerStillStopsWhenAsked) {
  const std::unique_ptr<Pusher> pusher = StartPusher("ctr", absl::Seconds(3));
  std::thread pushing([&] { PushStream(*pusher).IgnoreError(); });
  AwaitRefusal(*pusher);
  server_->Signal(SIGTERM);
  const ExitState state = server_->Wait();
  EXPECT_EQ(state.code, 0) << state.log;
  pushing.join();
  FreeDisk();
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_GE(client_->GetModel("ctr")->example_count(), pusher->stats().acknowledged);
}

}  // namespace
}  // namespace freshet
