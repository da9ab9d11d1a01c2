// A real disk that is full: a small tmpfs. Skipped where this user may not mount one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "client/pusher.h"
#include "tests/support/random_examples.h"
#include "tests/support/server_process.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr int kBatches = 600;
constexpr int kBatchExamples = 100;  // Together some 4 MB of log.

class DiskFullTest : public testing::Test {
 protected:
  void SetUp() override {
    disk_ = folder_.path() + "/disk";
    std::filesystem::create_directory(disk_);
    if (mount("tmpfs", disk_.c_str(), "tmpfs", 0, "size=32m") != 0) {
      const std::string reason = std::strerror(errno);
      disk_.clear();
      GTEST_SKIP() << "a tmpfs cannot be mounted here: " << reason;
    }
    ASSERT_NO_FATAL_FAILURE(Start());
    ASSERT_NO_FATAL_FAILURE(CreateModel(*client_, "ctr"));
  }

  void TearDown() override {
    if (disk_.empty()) return;
    server_.reset();
    EXPECT_EQ(umount2(disk_.c_str(), MNT_DETACH), 0) << std::strerror(errno);
  }

  void Start() {
    auto server = ServerProcess::Start(disk_ + "/data");
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    auto client = Client::Connect({.server = server_->address()});
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }

  static void CreateModel(const Client& client, const std::string& model) {
    v1::LearnerSpec learner;
    learner.set_loss(v1::LOSS_LOGISTIC);
    learner.set_bits(12);
    ASSERT_TRUE(client.CreateModel(model, learner).ok());
  }

  // Takes all the space that is left.
  void FillDisk() const {
    std::ofstream filler(FillerPath(), std::ios::binary);
    const std::string block(64 << 10, 'x');
    while (filler.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  void FreeDisk() const { std::filesystem::remove(FillerPath()); }
  std::string FillerPath() const { return disk_ + "/filler"; }

  // Pushes the whole stream.
  static absl::Status PushAll(Pusher& pusher) {
    RandomExamples random(7);
    for (int i = 0; i < kBatches; ++i) {
      ExampleBatchBuilder batch;
      random.Append(kBatchExamples, batch);
      if (absl::Status status = pusher.PushBatch(batch); !status.ok()) return status;
    }
    return pusher.Close();
  }

  // Tries once, and returns what the server says.
  absl::Status PushOneRow() const {
    auto pusher = Pusher::Start(*client_, "ctr", {.retry_deadline_ms = 0});
    if (!pusher.ok()) return pusher.status();
    ExampleBatchBuilder batch;
    RandomExamples(8).Append(1, batch);
    if (absl::Status status = (*pusher)->PushBatch(batch); !status.ok()) return status;
    return (*pusher)->Close();
  }

  std::unique_ptr<Pusher> StartPusher(absl::Duration retry_deadline) const {
    return Pusher::Start(*client_, "ctr",
                         {.retry_deadline_ms = absl::ToInt64Milliseconds(retry_deadline),
                          .initial_backoff_ms = 5,
                          .max_backoff_ms = 50})
        .value();
  }

  static void AwaitRefusal(const Pusher& pusher) {
    const absl::Time deadline = absl::Now() + kPatience;
    while (pusher.stats().resent == 0) {
      ASSERT_LT(absl::Now(), deadline) << "the disk did not become full";
      absl::SleepFor(absl::Milliseconds(2));
    }
  }

  const TemporaryFolder folder_;
  std::string disk_;  // Empty: not mounted.
  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<Client> client_;
};

TEST_F(DiskFullTest, PushesSayWhyPredictionsGoOnAndWithSpaceNothingWasLost) {
  ASSERT_NO_FATAL_FAILURE(FillDisk());
  const std::unique_ptr<Pusher> pusher = StartPusher(kPatience);
  absl::Status pushed = absl::UnknownError("not ended");
  std::thread pushing([&] { pushed = PushAll(*pusher); });
  AwaitRefusal(*pusher);

  const absl::Status refused = PushOneRow();
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("No space left on device"));
  ExampleBatchBuilder asked;
  RandomExamples(9).Append(10, asked);
  EXPECT_TRUE(client_->Predict("ctr", asked).ok());

  FreeDisk();
  pushing.join();
  ASSERT_TRUE(pushed.ok()) << pushed;
  const Digest digest = client_->ComputeDigest("ctr").value();
  EXPECT_EQ(digest.example_count, uint64_t{kBatches} * kBatchExamples);
  server_->Kill();
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_EQ(client_->ComputeDigest("ctr")->digest, digest.digest);

  ASSERT_NO_FATAL_FAILURE(CreateModel(*client_, "reference"));
  auto again = Pusher::Start(*client_, "reference", {});
  ASSERT_TRUE(again.ok()) << again.status();
  ASSERT_TRUE(PushAll(**again).ok());
  EXPECT_EQ(client_->ComputeDigest("reference")->digest, digest.digest);
}

// It once tried to write the log until it was killed.
TEST_F(DiskFullTest, TheServerStillStopsWhenAsked) {
  ASSERT_NO_FATAL_FAILURE(FillDisk());
  const std::unique_ptr<Pusher> pusher = StartPusher(absl::Seconds(3));
  std::thread pushing([&] { PushAll(*pusher).IgnoreError(); });
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
