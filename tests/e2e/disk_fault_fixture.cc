#include "tests/e2e/disk_fault_fixture.h"

#include <gmock/gmock.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <thread>

#include "absl/time/clock.h"
#include "tests/support/random_examples.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

constexpr int kBatches = 600;
constexpr int kFaultBatchExamples = 100;

}  // namespace

void DiskFaultTest::TearDown() {
  server_.reset();
  if (mounted_.empty()) return;
  EXPECT_EQ(umount2(mounted_.c_str(), MNT_DETACH), 0) << std::strerror(errno);
}

absl::StatusOr<std::string> DiskFaultTest::MountTmpfs() {
  const std::string disk = folder_.path() + "/disk";
  std::filesystem::create_directory(disk);
  if (mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=32m") != 0) {
    return absl::PermissionDeniedError(std::strerror(errno));
  }
  mounted_ = disk;
  data_dir_ = disk + "/data";
  return disk;
}

absl::Status DiskFaultTest::PushStream(Pusher& pusher) {
  RandomExamples random(7);
  for (int i = 0; i < kBatches; ++i) {
    ExampleBatchBuilder batch;
    random.Append(kFaultBatchExamples, batch);
    if (absl::Status status = pusher.PushBatch(batch); !status.ok()) return status;
  }
  return pusher.Close();
}

std::unique_ptr<Pusher> DiskFaultTest::StartPusher(const std::string& model,
                                                   absl::Duration retry_deadline) const {
  return Pusher::Start(*client_, model,
                       {.retry_deadline_ms = absl::ToInt64Milliseconds(retry_deadline),
                        .initial_backoff_ms = 5,
                        .max_backoff_ms = 50})
      .value();
}

void DiskFaultTest::AwaitRefusal(const Pusher& pusher) {
  const absl::Time deadline = absl::Now() + kPatience;
  while (pusher.stats().resent == 0) {
    ASSERT_LT(absl::Now(), deadline) << "the disk did not fail";
    absl::SleepFor(absl::Milliseconds(2));
  }
}

absl::Status DiskFaultTest::PushOneRow() const {
  auto pusher = Pusher::Start(*client_, "ctr", {.retry_deadline_ms = 0});
  if (!pusher.ok()) return pusher.status();
  ExampleBatchBuilder batch;
  RandomExamples(8).Append(1, batch);
  if (absl::Status status = (*pusher)->PushBatch(batch); !status.ok()) return status;
  return (*pusher)->Close();
}

bool DiskFaultTest::Predicts() const {
  ExampleBatchBuilder asked;
  RandomExamples(9).Append(10, asked);
  return client_->Predict("ctr", asked).ok();
}

void DiskFaultTest::ExpectNothingIsLost(const std::string& reason,
                                        const std::function<void()>& mend,
                                        const std::function<void()>& restart) {
  const std::unique_ptr<Pusher> pusher = StartPusher("ctr");
  absl::Status pushed = absl::UnknownError("not ended");
  std::thread pushing([&] { pushed = PushStream(*pusher); });
  AwaitRefusal(*pusher);
  const absl::Status refused = PushOneRow();
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(refused.message()), HasSubstr(reason));
  EXPECT_TRUE(Predicts());
  mend();
  pushing.join();
  ASSERT_TRUE(pushed.ok()) << pushed;
  const Digest digest = client_->ComputeDigest("ctr").value();
  EXPECT_EQ(digest.example_count, uint64_t{kBatches} * kFaultBatchExamples);
  server_->Kill();
  ASSERT_NO_FATAL_FAILURE(restart());
  EXPECT_EQ(client_->ComputeDigest("ctr")->digest, digest.digest);
  ASSERT_NO_FATAL_FAILURE(CreateModel("reference"));
  ASSERT_TRUE(PushStream(*StartPusher("reference")).ok());
  EXPECT_EQ(client_->ComputeDigest("reference")->digest, digest.digest);
}

}  // namespace freshet
