// Stops, crashes, restarts and snapshots: the model comes back bit for bit.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "client/pusher.h"
#include "tests/e2e/all_learners.h"
#include "tests/support/model_dir.h"
#include "tests/support/random_examples.h"
#include "tests/support/server_fixture.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

class RestartTest : public ServerFixture {
 protected:
  // Pushes the examples [first, first + count) of a stream in batches of `batch_examples`.
  void Push(const std::string& model, int first, int count, int batch_examples) {
    RandomExamples random(42);
    ExampleBatchBuilder skipped;
    random.Append(first, skipped);
    auto pusher = Pusher::Start(*client_, model, {});
    ASSERT_TRUE(pusher.ok()) << pusher.status();
    for (int done = 0; done < count; done += batch_examples) {
      ExampleBatchBuilder batch;
      random.Append(std::min(batch_examples, count - done), batch);
      ASSERT_TRUE((*pusher)->PushBatch(batch).ok());
    }
    const absl::Status status = (*pusher)->Close();
    ASSERT_TRUE(status.ok()) << status;
  }

  std::vector<float> PredictSome(const std::string& model) {
    ExampleBatchBuilder batch;
    RandomExamples(99).Append(50, batch);
    return client_->Predict(model, batch)->scores;
  }
};

TEST_F(RestartTest, EveryLearnerGoesOnExactlyAfterACleanStop) {
  constexpr int kTotal = 3000;
  constexpr int kStopAt = 1234;
  ASSERT_NO_FATAL_FAILURE(Start());
  const std::vector<v1::LearnerSpec> learners = AllLearners();
  for (size_t i = 0; i < learners.size(); ++i) {
    ASSERT_TRUE(client_->CreateModel("whole" + std::to_string(i), learners[i]).ok());
    ASSERT_TRUE(client_->CreateModel("parted" + std::to_string(i), learners[i]).ok());
    Push("whole" + std::to_string(i), 0, kTotal, 64);
    Push("parted" + std::to_string(i), 0, kStopAt, 100);
  }
  ASSERT_EQ(server_->Stop().code, 0);
  ASSERT_NO_FATAL_FAILURE(Start());
  for (size_t i = 0; i < learners.size(); ++i) {
    Push("parted" + std::to_string(i), kStopAt, kTotal - kStopAt, 37);
    EXPECT_EQ(client_->ComputeDigest("parted" + std::to_string(i))->digest,
              client_->ComputeDigest("whole" + std::to_string(i))->digest)
        << learners[i].ShortDebugString();
  }
}

TEST_F(RestartTest, EveryLearnerComesBackExactlyAfterAKill) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const std::vector<v1::LearnerSpec> learners = AllLearners();
  std::vector<std::string> digests;
  for (size_t i = 0; i < learners.size(); ++i) {
    const std::string model = "m" + std::to_string(i);
    ASSERT_TRUE(client_->CreateModel(model, learners[i]).ok());
    Push(model, 0, 700, 50);
    if (i % 2 == 0) {
      ASSERT_TRUE(client_->CreateSnapshot(model).ok());
    }
    Push(model, 700, 500, 33);
    digests.push_back(client_->ComputeDigest(model)->digest);
  }
  EXPECT_EQ(server_->Kill().signal, SIGKILL);
  ASSERT_NO_FATAL_FAILURE(Start());
  for (size_t i = 0; i < learners.size(); ++i) {
    EXPECT_EQ(client_->ComputeDigest("m" + std::to_string(i))->digest, digests[i])
        << learners[i].ShortDebugString();
  }
}

TEST_F(RestartTest, PredictionsAreTheSameToTheBit) {
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
  Push("ctr", 0, 2000, 128);
  const std::vector<float> before = PredictSome("ctr");
  ASSERT_EQ(server_->Stop().code, 0);
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_EQ(PredictSome("ctr"), before);
  EXPECT_EQ(client_->GetModel("ctr")->example_count(), 2000U);
}

TEST_F(RestartTest, WithoutALogACleanStopStillKeepsEverything) {
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_TRUE(client_->CreateModel("ctr", SmallLearner(), v1::DURABILITY_NONE).ok());
  Push("ctr", 0, 500, 50);
  const std::string digest = client_->ComputeDigest("ctr")->digest;
  ASSERT_EQ(server_->Stop().code, 0);
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_EQ(client_->ComputeDigest("ctr")->digest, digest);
}

TEST_F(RestartTest, WithoutALogACrashGoesBackToTheNewestSnapshot) {
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_TRUE(client_->CreateModel("ctr", SmallLearner(), v1::DURABILITY_NONE).ok());
  Push("ctr", 0, 500, 50);
  const std::string digest = client_->ComputeDigest("ctr")->digest;
  ASSERT_TRUE(client_->CreateSnapshot("ctr").ok());
  Push("ctr", 500, 100, 50);
  server_->Kill();
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_EQ(client_->ComputeDigest("ctr")->digest, digest);
}

TEST_F(RestartTest, APusherGoesOnThroughACrashWithoutLosingOrDoubling) {
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
  ASSERT_NO_FATAL_FAILURE(CreateModel("reference"));
  const std::string address = server_->address();
  auto pusher = Pusher::Start(*client_, "ctr", {.initial_backoff_ms = 10, .max_backoff_ms = 50});
  ASSERT_TRUE(pusher.ok());
  RandomExamples random(42);
  for (int i = 0; i < 40; ++i) {
    if (i == 20) {
      server_->Kill();
      Start({"--listen=" + address});  // The last --listen counts.
    }
    ExampleBatchBuilder batch;
    random.Append(50, batch);
    ASSERT_TRUE((*pusher)->PushBatch(batch).ok());
  }
  const absl::Status status = (*pusher)->Close();
  ASSERT_TRUE(status.ok()) << status;
  Push("reference", 0, 2000, 50);
  EXPECT_EQ(client_->GetModel("ctr")->example_count(), 2000U);
  EXPECT_EQ(client_->ComputeDigest("ctr")->digest, client_->ComputeDigest("reference")->digest);
}

TEST_F(RestartTest, SnapshotsAreListedRestoredAndDeleted) {
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
  Push("ctr", 0, 500, 50);
  const std::string digest = client_->ComputeDigest("ctr")->digest;
  const v1::Snapshot snapshot = client_->CreateSnapshot("ctr", "before").value();
  EXPECT_EQ(snapshot.name(), "models/ctr/snapshots/before");
  EXPECT_EQ(snapshot.offset(), 10U);
  EXPECT_EQ(snapshot.example_count(), 500U);
  EXPECT_GT(snapshot.size_bytes(), 0U);
  EXPECT_EQ(client_->CreateSnapshot("ctr", "before").status().code(),
            absl::StatusCode::kAlreadyExists);
  Push("ctr", 500, 500, 50);
  EXPECT_NE(client_->ComputeDigest("ctr")->digest, digest);
  const v1::Model restored = client_->RestoreSnapshot("ctr", "before").value();
  EXPECT_EQ(restored.example_count(), 500U);
  EXPECT_EQ(restored.offset(), 21U);  // Ten batches, ten more, and the restore.
  EXPECT_EQ(client_->ComputeDigest("ctr")->digest, digest);

  server_->Kill();
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_EQ(client_->ComputeDigest("ctr")->digest, digest);
  EXPECT_TRUE(client_->CreateSnapshot("ctr", "after").ok());
  EXPECT_TRUE(client_->DeleteSnapshot("ctr", "after").ok());
  EXPECT_EQ(client_->GetSnapshot("ctr", "after").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(client_->RestoreSnapshot("ctr", "after").status().code(), absl::StatusCode::kNotFound);
}

// A restored snapshot used to be deletable, even automatically, while the log still referred to it.
// If a snapshot after the restore was damaged, the model could not be recovered any more.
TEST_F(RestartTest, ARestoredSnapshotStaysAsLongAsTheLogMayRestoreItAgain) {
  const std::string config =
      "snapshots { interval_s: 0 keep_count: 2 keep_hourly_count: 0 keep_daily_count: 0 }";
  ASSERT_NO_FATAL_FAILURE(StartWithConfig(config));
  ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
  Push("ctr", 0, 500, 50);
  ASSERT_TRUE(client_->CreateSnapshot("ctr", "before").ok());
  Push("ctr", 500, 500, 50);
  ASSERT_TRUE(client_->RestoreSnapshot("ctr", "before").ok());
  Push("ctr", 1000, 500, 50);
  const std::string digest = client_->ComputeDigest("ctr")->digest;
  for (int restart = 0; restart < 2; ++restart) {
    const absl::Status refused = client_->DeleteSnapshot("ctr", "before");
    EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
    server_->Kill();
    for (const char* id : {"s000001", "s000002"}) {  // Those after the restore.
      const std::string path = ModelDirOf(data_dir_, "ctr") + "/snapshots/" + id + ".snapshot";
      if (std::filesystem::exists(path)) std::filesystem::resize_file(path, 100);
    }
    ASSERT_NO_FATAL_FAILURE(StartWithConfig(config));
    EXPECT_EQ(client_->ComputeDigest("ctr")->digest, digest);
  }
  // After two automatic snapshots that follow the restore, earlier ones are not needed any more.
  for (int taken = 0; taken < 2; ++taken) {
    Push("ctr", 1500 + taken, 1, 1);
    ASSERT_EQ(server_->Stop().code, 0);
    ASSERT_NO_FATAL_FAILURE(StartWithConfig(config));
  }
  const absl::Status deleted = client_->DeleteSnapshot("ctr", "before");
  EXPECT_TRUE(deleted.ok()) << deleted;
}

TEST_F(RestartTest, TheOnlySnapshotThatRecoveryCanBeginFromCannotBeDeleted) {
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_TRUE(client_->CreateModel("ctr", SmallLearner(), v1::DURABILITY_NONE).ok());
  Push("ctr", 0, 100, 50);
  ASSERT_TRUE(client_->CreateSnapshot("ctr", "first").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(client_->DeleteSnapshot("ctr", "first")));
  ASSERT_TRUE(client_->CreateSnapshot("ctr", "second").ok());
  EXPECT_TRUE(client_->DeleteSnapshot("ctr", "first").ok());
}

TEST_F(RestartTest, ALogThatHasGrownIsFollowedByASnapshot) {
  const std::string config =
      "snapshots { interval_s: 0 keep_count: 1 keep_hourly_count: 0 keep_daily_count: 0 "
      "log_growth_bytes: 50000 } "
      "log { segment_bytes: 8192 retain_bytes: 20000 }";
  ASSERT_NO_FATAL_FAILURE(StartWithConfig(config));
  ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  v1::Storage storage;
  for (int pushed = 0; storage.snapshot_offset() == 0 || storage.log_first_offset() == 0;
       pushed += 500) {
    ASSERT_LT(absl::Now(), deadline) << storage.ShortDebugString();
    Push("ctr", pushed, 500, 50);
    storage = client_->GetModel("ctr")->storage();
  }
  const std::vector<v1::Snapshot> snapshots = client_->ListSnapshots("ctr").value();
  ASSERT_EQ(snapshots.size(), 1U);
  EXPECT_EQ(snapshots.front().trigger(), v1::SNAPSHOT_TRIGGER_LOG_GROWTH);
  EXPECT_EQ(storage.snapshot_count(), 1U);
  EXPECT_GT(storage.snapshot_bytes(), 0U);
  EXPECT_GT(storage.log_bytes(), 10000U);  // About as much as the retention keeps.
  EXPECT_LT(storage.log_bytes(), 120000U);
  EXPECT_LE(storage.log_first_offset(), storage.snapshot_offset());
  EXPECT_GT(storage.sync_count(), 0U);
  EXPECT_GT(storage.sync_p50_ms(), 0);
  EXPECT_GE(storage.sync_p99_ms(), storage.sync_p50_ms());
  const Digest digest = client_->ComputeDigest("ctr").value();
  EXPECT_EQ(client_->GetModel("ctr")->storage().logged_offset(), digest.offset);
  server_->Kill();
  ASSERT_NO_FATAL_FAILURE(StartWithConfig(config));
  EXPECT_EQ(client_->ComputeDigest("ctr")->digest, digest.digest);
  EXPECT_EQ(client_->ComputeDigest("ctr")->offset, digest.offset);
}

TEST_F(RestartTest, ADamagedSnapshotIsNamedAndTheOneBeforeItUsed) {
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
  Push("ctr", 0, 500, 50);
  ASSERT_TRUE(client_->CreateSnapshot("ctr", "first").ok());
  Push("ctr", 500, 500, 50);
  ASSERT_TRUE(client_->CreateSnapshot("ctr", "second").ok());
  const std::string digest = client_->ComputeDigest("ctr")->digest;
  server_->Kill();
  const std::string path = ModelDirOf(data_dir_, "ctr") + "/snapshots/second.snapshot";
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(path) / 2));
    file.put('\x5a');
    file.put('\xa5');
  }
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_THAT(server_->Log(), HasSubstr("second"));
  EXPECT_EQ(client_->ComputeDigest("ctr")->digest, digest);  // From the first snapshot and the log.
}

TEST_F(RestartTest, AutomaticSnapshotsAreTakenAndKeptByCount) {
  ASSERT_NO_FATAL_FAILURE(StartWithConfig(
      "snapshots { interval_s: 1 keep_count: 1 keep_hourly_count: 0 keep_daily_count: 0 }"));
  ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
  Push("ctr", 0, 50, 50);
  // Waits until the newest snapshot is of `offset` or later.
  const auto await_snapshot_at = [&](uint64_t offset) {
    const absl::Time deadline = absl::Now() + absl::Seconds(60);
    for (uint64_t newest = 0; newest < offset; absl::SleepFor(absl::Milliseconds(20))) {
      const absl::StatusOr<std::vector<v1::Snapshot>> snapshots = client_->ListSnapshots("ctr");
      ASSERT_TRUE(snapshots.ok()) << snapshots.status();
      EXPECT_LE(snapshots->size(), 2U);  // Briefly both the new and the old one.
      if (!snapshots->empty()) newest = snapshots->back().offset();
      ASSERT_LT(absl::Now(), deadline)
          << "no automatic snapshot at offset " << offset << "; the newest is at " << newest;
    }
  };
  ASSERT_NO_FATAL_FAILURE(await_snapshot_at(1));
  Push("ctr", 50, 50, 50);
  ASSERT_NO_FATAL_FAILURE(await_snapshot_at(2));
}

}  // namespace
}  // namespace freshet
