// Models that are deleted and created again under the same id, seen from outside. The new model is
// never the old one, whatever was in progress, and a failed deletion leaves the model as it was.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "client/pusher.h"
#include "tests/e2e/disk_fault_fixture.h"
#include "tests/support/model_dir.h"
#include "tests/support/random_examples.h"
#include "tests/support/server_process.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

constexpr int kPushedExamples = 10;

class DeletionTest : public DiskFaultTest {
 protected:
  // Pushes the same batches to any model and waits until they are acknowledged.
  void PushBatches(const std::string& model, int count) const {
    auto pusher = Pusher::Start(*client_, model, {});
    ASSERT_TRUE(pusher.ok()) << pusher.status();
    RandomExamples random(7);
    for (int i = 0; i < count; ++i) {
      ExampleBatchBuilder batch;
      random.Append(kPushedExamples, batch);
      ASSERT_TRUE((*pusher)->PushBatch(batch).ok());
    }
    ASSERT_TRUE((*pusher)->Close().ok());
  }

  // Deletes "ctr", creates it again, pushes five batches, kills the server, starts it, and expects
  // a model of exactly these five batches.
  void ExpectTheNewOneIsTheNewOne() {
    ASSERT_TRUE(client_->DeleteModel("ctr").ok());
    ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
    const std::string uid = client_->GetModel("ctr")->uid();
    ASSERT_NO_FATAL_FAILURE(PushBatches("ctr", 5));
    const std::string expected = client_->ComputeDigest("reference")->digest;
    EXPECT_EQ(client_->ComputeDigest("ctr")->digest, expected);
    server_->Kill();
    ASSERT_NO_FATAL_FAILURE(Start());
    const v1::Model model = client_->GetModel("ctr").value();
    EXPECT_EQ(model.state(), v1::MODEL_STATE_SERVING) << model.state_reason();
    EXPECT_EQ(model.uid(), uid);
    EXPECT_EQ(model.example_count(), 5U * kPushedExamples);
    EXPECT_EQ(client_->ComputeDigest("ctr")->digest, expected);
    EXPECT_EQ(ModelDirsOf(data_dir_, "ctr").size(), 1U);
  }
};

TEST_F(DeletionTest, ASnapshotUnderWayIsNotTheNewModels) {
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_NO_FATAL_FAILURE(CreateModel("reference"));
  ASSERT_NO_FATAL_FAILURE(PushBatches("reference", 5));
  for (int round = 0; round < 3; ++round) {
    if (round > 0) {
      ASSERT_TRUE(client_->DeleteModel("ctr").ok());
    }
    ASSERT_NO_FATAL_FAILURE(CreateModel("ctr", 22));  // Large, so that its snapshot takes a while.
    ASSERT_NO_FATAL_FAILURE(PushBatches("ctr", 200));
    std::thread snapshot([&] {
      const auto other = Client::Connect({.server = server_->address()});
      if (other.ok()) (*other)->CreateSnapshot("ctr", "old").status().IgnoreError();
    });
    std::this_thread::yield();
    ExpectTheNewOneIsTheNewOne();
    snapshot.join();
    if (HasFailure()) return;
  }
}

TEST_F(DeletionTest, AQueueThatIsLeftIsNotTheNewModels) {
  ASSERT_NO_FATAL_FAILURE(StartWithConfig("log { segment_bytes: 16384 }"));
  ASSERT_NO_FATAL_FAILURE(CreateModel("reference"));
  ASSERT_NO_FATAL_FAILURE(PushBatches("reference", 5));
  for (int round = 0; round < 5; ++round) {
    if (round == 0) {
      ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
    }
    auto pusher = Pusher::Start(*client_, "ctr", {.retry_deadline_ms = 0});
    ASSERT_TRUE(pusher.ok()) << pusher.status();
    RandomExamples random(static_cast<uint32_t>(round));
    for (int i = 0; i < 500; ++i) {
      ExampleBatchBuilder batch;
      random.Append(kPushedExamples, batch);
      if (!(*pusher)->PushBatch(batch).ok()) break;
    }
    // Once something is acknowledged, the stream is open. It ends with the model, and the pusher
    // opens no other.
    const absl::Time deadline = absl::Now() + kPatience;
    while ((*pusher)->stats().acknowledged == 0 && absl::Now() < deadline) {
      absl::SleepFor(absl::Milliseconds(1));
    }
    ExpectTheNewOneIsTheNewOne();
    (*pusher)->Close().IgnoreError();
    if (HasFailure()) return;
  }
}

TEST_F(DeletionTest, ADeletionThatTheDiskRefusesLeavesTheModelAsItWas) {
  const absl::StatusOr<std::string> disk = MountTmpfs();
  if (!disk.ok()) GTEST_SKIP() << "a tmpfs cannot be mounted here: " << disk.status();
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
  ASSERT_NO_FATAL_FAILURE(PushBatches("ctr", 5));
  const char* const at = disk->c_str();
  ASSERT_EQ(mount(at, at, nullptr, MS_BIND, nullptr), 0) << std::strerror(errno);
  ASSERT_EQ(mount(nullptr, at, nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr), 0)
      << std::strerror(errno);
  const absl::Status refused = client_->DeleteModel("ctr");
  EXPECT_THAT(std::string(refused.message()), HasSubstr("models/ctr was not deleted"));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("Read-only file system"));
  EXPECT_TRUE(Predicts());
  EXPECT_EQ(client_->ComputeDigest("ctr")->offset, 5U);
  ASSERT_EQ(umount2(at, MNT_DETACH), 0) << std::strerror(errno);
  EXPECT_TRUE(PushOneRow().ok());
  const std::string digest = client_->ComputeDigest("ctr")->digest;
  server_->Kill();
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_EQ(client_->ComputeDigest("ctr")->digest, digest);
  EXPECT_TRUE(client_->DeleteModel("ctr").ok());
  EXPECT_TRUE(absl::IsNotFound(client_->GetModel("ctr").status()));
  server_->Kill();
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_TRUE(absl::IsNotFound(client_->GetModel("ctr").status()));
  EXPECT_TRUE(std::filesystem::is_empty(data_dir_ + "/models"));
}

}  // namespace
}  // namespace freshet
