// A model on a disk that fails: it says why, goes on predicting, and takes up again by itself;
// nothing is lost, nothing is learned twice.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <latch>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/str_cat.h"
#include "server/file/data_dir.h"
#include "server/recovery/model_recovery.h"
#include "tests/server/model/model_fixture.h"
#include "tests/server/model/served_model_peer.h"
#include "tests/support/fault_file_system.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

// The digest after batches 1 to `last` on a disk that never fails.
std::string ReferenceDigest(uint64_t last) {
  FaultFileSystem files;
  Served served(files);
  served.Create(v1::DURABILITY_NONE);
  for (uint64_t i = 1; i <= last; ++i) served.Push(i);
  return served.Digest().digest();
}

// What a server says that starts from what is on the disk.
v1::ComputeDigestResponse RecoveredDigest(FaultFileSystem& files) {
  Served served(files);
  served.Recover();
  return served.Digest();
}

void ExpectNamedWhilePredictionsGoOn(int error_number, const std::string& reason) {
  FaultFileSystem files;
  {
    Served served(files);
    served.Create(v1::DURABILITY_FSYNC);
    for (uint64_t i = 1; i <= 3; ++i) EXPECT_TRUE(served.Push(i).status.ok());

    files.FailFrom(0, error_number);
    const LearnOutcome accepted = served.Push(4);
    EXPECT_EQ(accepted.status.code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(accepted.status.message()), HasSubstr(reason));
    const LearnOutcome refused = served.Push(5);
    EXPECT_EQ(refused.status.code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(refused.status.message()), HasSubstr(reason));

    const std::unique_ptr<BatchRecord> asked = Message(5);  // Of one example.
    float score = 0;
    float prediction = 0;
    served.model().Champion().variant->Predict(asked->examples(), {&score, 1}, {&prediction, 1});
    EXPECT_GT(prediction, 0);
    EXPECT_FALSE(served.TakeSnapshot().ok()) << "a snapshot must not be ahead of the log";

    files.Heal();
    const LearnOutcome resent = served.PushUntilAcknowledged(4);
    EXPECT_TRUE(resent.duplicate);
    EXPECT_EQ(resent.offset, 4U);
    const LearnOutcome next = served.PushUntilAcknowledged(5);
    EXPECT_FALSE(next.duplicate);
    EXPECT_EQ(next.offset, 5U);
    EXPECT_EQ(served.Digest().digest(), ReferenceDigest(5));
  }
  std::mt19937_64 random(1);
  files.PowerLoss(Survival::kNothing, random);
  EXPECT_EQ(RecoveredDigest(files).digest(), ReferenceDigest(5));
}

TEST(ModelFaultTest, AFullDiskIsNamedWhilePredictionsGoOnUntilThereIsSpace) {
  ExpectNamedWhilePredictionsGoOn(ENOSPC, "No space left on device");
}

TEST(ModelFaultTest, AReadOnlyDiskIsNamedWhilePredictionsGoOnUntilItCanBeWritten) {
  ExpectNamedWhilePredictionsGoOn(EROFS, "Read-only file system");
}

TEST(ModelFaultTest, AFailingDiskIsNamedWhilePredictionsGoOnUntilItWorks) {
  ExpectNamedWhilePredictionsGoOn(EIO, "Input/output error");
}

TEST(ModelFaultTest, ASlowDiskHoldsUpAcknowledgementsAndNothingElse) {
  constexpr uint64_t kBatches = 20;
  FaultFileSystem files;
  Served served(files);
  served.Create(v1::DURABILITY_FSYNC);
  files.HoldSyncs(true);
  const auto left = std::make_shared<std::latch>(kBatches);
  const auto acknowledged = std::make_shared<std::atomic<uint64_t>>(0);
  for (uint64_t i = 1; i <= kBatches; ++i) {
    PipelineOf(served.model())
        .Submit(Message(i), [left, acknowledged](const LearnOutcome& outcome) {
          if (outcome.status.ok()) ++*acknowledged;
          left->count_down();
        });
  }
  // All is learned, and predictions and digests show it.
  const absl::Time deadline = absl::Now() + kPatience;
  while (served.model().offset() < kBatches) {
    ASSERT_LT(absl::Now(), deadline);
    absl::SleepFor(absl::Milliseconds(1));
  }
  EXPECT_EQ(served.Digest().digest(), ReferenceDigest(kBatches));
  EXPECT_EQ(*acknowledged, 0U);
  files.HoldSyncs(false);
  left->wait();
  EXPECT_EQ(*acknowledged, kBatches);
}

TEST(ModelFaultTest, AnUnusableSnapshotFolderFailsSnapshotsAlone) {
  FaultFileSystem files;
  Served served(files);
  served.Create(v1::DURABILITY_FSYNC);
  EXPECT_TRUE(served.Push(1).status.ok());
  files.FailFrom(0, EACCES);  // Nothing is being logged meanwhile.
  const absl::Status refused = served.TakeSnapshot();
  files.Heal();
  EXPECT_THAT(std::string(refused.message()), HasSubstr("Permission denied"));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("snapshots"));
  EXPECT_TRUE(served.Push(2).status.ok());
  EXPECT_TRUE(served.TakeSnapshot().ok());
}

// Pushes a stream while call number `call` fails, loses the power after it, and starts again.
// Returns whether that call was reached.
bool FailOneCall(uint64_t call, int error_number, Survival survival) {
  constexpr uint64_t kBatches = 12;
  static const std::string* const kReference = new std::string(ReferenceDigest(kBatches));
  FaultFileSystem files;
  bool reached = false;
  {
    Served served(files);
    served.Create(v1::DURABILITY_FSYNC);
    files.FailCall(call, error_number);
    for (uint64_t i = 1; i <= kBatches; ++i) {
      EXPECT_EQ(served.PushUntilAcknowledged(i).offset, i);
      if (i % 5 == 0) served.TakeSnapshot().IgnoreError();
    }
    reached = files.calls() > call;
    files.Heal();
    EXPECT_EQ(served.Digest().digest(), *kReference);
  }
  std::mt19937_64 random(call);
  files.PowerLoss(survival, random);
  const v1::ComputeDigestResponse recovered = RecoveredDigest(files);
  EXPECT_EQ(recovered.offset(), kBatches);
  EXPECT_EQ(recovered.digest(), *kReference);
  return reached;
}

TEST(ModelFaultTest, WhicheverCallFailsNothingAcknowledgedIsLost) {
  for (const Survival survival : {Survival::kNothing, Survival::kPrefix, Survival::kAnySectors}) {
    uint64_t call = 0;
    for (bool reached = true; reached && !testing::Test::HasFailure(); ++call) {
      SCOPED_TRACE(StrCat("call ", call));
      reached = FailOneCall(call, call % 2 == 0 ? EIO : ENOSPC, survival);
    }
    EXPECT_GT(call, 50U);
  }
}

// Pushes three batches, takes a snapshot, pushes three more, goes back to it (unless told not to),
// and pushes three more.
struct RestoreRun {
  absl::Status restore_status;
  std::string digest;
  bool reached = false;
};
RestoreRun RunRestore(FaultFileSystem& files, bool restore, uint64_t failing_call) {
  RestoreRun run;
  Served served(files);
  served.Create(v1::DURABILITY_FSYNC);
  for (uint64_t i = 1; i <= 3; ++i) served.PushUntilAcknowledged(i);
  EXPECT_TRUE(served.TakeSnapshot("kept", v1::SNAPSHOT_TRIGGER_REQUEST).ok());
  for (uint64_t i = 4; i <= 6; ++i) served.PushUntilAcknowledged(i);
  files.FailCall(failing_call, EIO);
  if (restore) run.restore_status = served.Restore("kept");
  for (uint64_t i = 7; i <= 9; ++i) served.PushUntilAcknowledged(i);
  run.digest = served.Digest().digest();
  run.reached = files.calls() > failing_call;
  files.Heal();
  return run;
}

// A restore that is acknowledged has happened; one that failed has happened whole or not at all,
// and the log says the same.
TEST(ModelFaultTest, WhicheverCallFailsARestoreIsWholeOrNotThere) {
  constexpr uint64_t kNever = ~uint64_t{0};
  FaultFileSystem plain_files;
  const std::string plain = RunRestore(plain_files, /*restore=*/false, kNever).digest;
  FaultFileSystem restored_files;
  const std::string restored = RunRestore(restored_files, /*restore=*/true, kNever).digest;
  ASSERT_NE(plain, restored);
  uint64_t call = 0;
  uint64_t failed = 0;
  for (bool reached = true; reached && !testing::Test::HasFailure(); ++call) {
    SCOPED_TRACE(StrCat("call ", call));
    FaultFileSystem files;
    const RestoreRun run = RunRestore(files, /*restore=*/true, call);
    reached = run.reached;
    if (run.restore_status.ok()) {
      EXPECT_EQ(run.digest, restored);
    } else {
      ++failed;
      EXPECT_TRUE(run.digest == restored || run.digest == plain) << run.restore_status;
    }
    std::mt19937_64 random(call);
    files.PowerLoss(Survival::kAnySectors, random);
    EXPECT_EQ(RecoveredDigest(files).digest(), run.digest);
  }
  EXPECT_GT(call, 20U);
  EXPECT_GT(failed, 5U);
}

// The start, too: it fails with a message, or it works; the next one finds everything.
TEST(ModelFaultTest, WhicheverCallFailsWhileStartingTheNextStartFindsEverything) {
  const std::string reference = ReferenceDigest(9);
  uint64_t call = 0;
  for (bool reached = true; reached && !testing::Test::HasFailure(); ++call) {
    SCOPED_TRACE(StrCat("call ", call));
    FaultFileSystem files;
    {
      Served served(files);
      served.Create(v1::DURABILITY_FSYNC);
      for (uint64_t i = 1; i <= 9; ++i) EXPECT_TRUE(served.Push(i).status.ok());
      EXPECT_TRUE(served.TakeSnapshot().ok());
    }
    WorkerPool pool("pool", 1);
    files.FailCall(call, EIO);
    if (const auto data_dir = DataDir::Open(files, "/data"); data_dir.ok()) {
      const ModelEnvironment environment{.data_dir = **data_dir,
                                         .learners = pool,
                                         .loggers = pool,
                                         .io = pool,
                                         .clock = [] { return absl::UnixEpoch(); },
                                         .server_version = "test"};
      RecoveryProgress progress;
      const auto model = RecoverModel(environment, kModel, progress);
      EXPECT_TRUE(model.ok() || !model.status().message().empty());
    }
    reached = files.calls() > call;
    files.Heal();
    EXPECT_EQ(RecoveredDigest(files).digest(), reference);
  }
  EXPECT_GT(call, 10U);
}

}  // namespace
}  // namespace freshet
