// Changes of a model that are records of its log, and snapshots that records name.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <latch>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "server/file/small_file.h"
#include "server/registry/model_registry.h"
#include "server/registry/model_upkeep.h"
#include "tests/server/model/model_fixture.h"
#include "tests/server/model/served_model_peer.h"
#include "tests/support/fault_file_system.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

v1::UpdateModelRequest ToOs(uint64_t max_bytes) {
  v1::UpdateModelRequest request;
  request.mutable_model()->set_durability(v1::DURABILITY_OS);
  request.mutable_model()->mutable_log_retention()->set_max_bytes(max_bytes);
  request.mutable_update_mask()->add_paths("durability");
  request.mutable_update_mask()->add_paths("log_retention");
  return request;
}

void ExpectIsAsUpdated(const v1::Model& model) {
  EXPECT_EQ(model.durability(), v1::DURABILITY_OS);
  EXPECT_EQ(model.log_retention().max_bytes(), 77U);
}

std::string Manifest(Served& served) {
  return ReadSmallFile(served.data_dir().file_system(),
                       served.data_dir().ModelDir(kModel) + "/MODEL")
      .value();
}

TEST(ModelUpdateTest, AChangeIsARecordOfTheLogAndTheManifestFollows) {
  FaultFileSystem files;
  std::string digest;
  {
    Served served(files);
    served.Create(v1::DURABILITY_FSYNC);
    served.Push(1);
    const absl::StatusOr<v1::Model> updated = served.Update(ToOs(77));
    ASSERT_TRUE(updated.ok()) << updated.status();
    ExpectIsAsUpdated(*updated);
    EXPECT_EQ(updated->offset(), 2U);
    EXPECT_THAT(Manifest(served), HasSubstr("DURABILITY_OS"));
    const uint64_t syncs = served.Describe().storage().sync_count();
    served.Push(2);
    EXPECT_EQ(served.Describe().storage().sync_count(), syncs) << "it is not to be synced any more";
    digest = served.Digest().digest();
  }
  Served again(files);
  again.Recover();
  ExpectIsAsUpdated(again.Describe());
  EXPECT_EQ(again.Digest().digest(), digest);
  EXPECT_EQ(again.Digest().offset(), 3U);
}

// As after a crash between the record and the manifest, whatever recovery begins from.
TEST(ModelUpdateTest, RecoveryMendsAManifestThatDidNotFollow) {
  for (const bool with_snapshot : {false, true}) {
    SCOPED_TRACE(with_snapshot);
    FaultFileSystem files;
    std::string before;
    {
      Served served(files);
      served.Create(v1::DURABILITY_FSYNC);
      before = Manifest(served);
      served.Push(1);
      ASSERT_TRUE(served.Update(ToOs(77)).ok());
      if (with_snapshot) {
        ASSERT_TRUE(served.TakeSnapshot().ok());
      }
    }
    files.WriteAll("/data/models/ctr/MODEL", before);
    Served again(files);
    again.Recover();
    ExpectIsAsUpdated(again.Describe());
    EXPECT_THAT(Manifest(again), HasSubstr("max_bytes: 77"));
    EXPECT_EQ(again.Digest().offset(), 2U);
  }
}

// One that is acknowledged has happened; one that failed has happened whole or not at all.
TEST(ModelUpdateTest, WhicheverCallFailsAnAcknowledgedChangeSurvives) {
  uint64_t call = 0;
  for (bool reached = true; reached && !testing::Test::HasFailure(); ++call) {
    SCOPED_TRACE(StrCat("call ", call));
    FaultFileSystem files;
    bool acknowledged = false;
    {
      Served served(files);
      served.Create(v1::DURABILITY_FSYNC);
      served.Push(1);
      files.FailCall(call, EIO);
      acknowledged = served.Update(ToOs(77)).ok();
      reached = files.calls() > call;
      files.Heal();
      served.PushUntilAcknowledged(2);
    }
    std::mt19937_64 random(call);
    files.PowerLoss(Survival::kPrefix, random);
    Served again(files);
    again.Recover();
    if (acknowledged) ExpectIsAsUpdated(again.Describe());
    const bool os = again.Describe().durability() == v1::DURABILITY_OS;
    EXPECT_EQ(os, Manifest(again).find("DURABILITY_OS") != std::string::npos);
  }
  EXPECT_GT(call, 4U);
}

TEST(ModelUpdateTest, WithoutALogTheManifestHoldsTheChange) {
  FaultFileSystem files;
  v1::UpdateModelRequest request = ToOs(77);
  {
    Served served(files);
    served.Create(v1::DURABILITY_NONE);
    EXPECT_EQ(served.Update(request).status().code(), absl::StatusCode::kFailedPrecondition);
    request.mutable_update_mask()->mutable_paths()->DeleteSubrange(0, 1);
    ASSERT_TRUE(served.Update(request).ok());
  }
  Served again(files);
  again.Recover();
  EXPECT_EQ(again.Describe().log_retention().max_bytes(), 77U);
}

// A record once named its snapshot by the id alone.
TEST(ModelUpdateTest, AnotherSnapshotOfTheSameIdIsNotRestoredByMistake) {
  FaultFileSystem files;
  {
    Served served(files);
    served.Create(v1::DURABILITY_FSYNC);
    SnapshotStore& snapshots = FilesOf(served.model()).snapshots();
    for (uint64_t i = 1; i <= 2; ++i) {
      served.Push(i);
      ASSERT_TRUE(served.TakeSnapshot(StrCat("at", i), v1::SNAPSHOT_TRIGGER_REQUEST).ok());
    }
    const LoadedSnapshot first = snapshots.Load("at1").value();
    const LoadedSnapshot second = snapshots.Load("at2").value();
    ASSERT_TRUE(served.model().ImportSnapshot("kept", first).ok());
    ASSERT_TRUE(served.Restore("kept").ok());
    ASSERT_TRUE(snapshots.Delete("kept").ok());
    ASSERT_TRUE(served.model().ImportSnapshot("kept", second).ok());
    for (const char* id : {"at1", "at2", "s000001"}) ASSERT_TRUE(snapshots.Delete(id).ok());
  }
  Served again(files);
  const absl::Status refused = again.TryRecover();
  EXPECT_EQ(refused.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("which is another one of the same id"));
}

// Records beyond their age once stayed until the next snapshot, for ever where nothing came.
TEST(ModelUpdateTest, OldRecordsOfAnIdleModelAreDropped) {
  FaultFileSystem files;
  absl::Time now = absl::UnixEpoch();
  WorkerPool pool("pool", 1);
  const auto data_dir = DataDir::Open(files, "/data").value();
  const ModelEnvironment environment{
      .data_dir = *data_dir,
      .learners = pool,
      .loggers = pool,
      .io = pool,
      .clock = [&now] { return now; },
      .keep_snapshot_count = 1,
      .log_segment_bytes = 600,
      .log_retention = {.max_bytes = 1 << 20, .max_age = absl::Hours(1)},
      .server_version = "test"};
  ModelRegistry registry(environment);
  ASSERT_TRUE(registry.Recover().ok());
  ASSERT_TRUE(registry.Create(kModel, Spec(v1::DURABILITY_OS)).ok());
  const std::shared_ptr<ServedModel> model = registry.Find(kModel).value();
  for (uint64_t i = 1; i <= 30; ++i) {
    Await<LearnOutcome>([&](auto done) { PipelineOf(*model).Submit(Message(i), done); });
  }
  SnapshotAll(registry, v1::SNAPSHOT_TRIGGER_INTERVAL);
  now += absl::Minutes(59);
  DropOldRecords(registry, /*stopping=*/false);
  EXPECT_EQ(FilesOf(*model).Describe().log_first_offset(), 0U);
  now += absl::Minutes(2);
  DropOldRecords(registry, /*stopping=*/false);
  EXPECT_GT(FilesOf(*model).Describe().log_first_offset(), 20U);
  const auto drained = std::make_shared<std::latch>(1);
  PipelineOf(*model).Close(absl::UnavailableError("closed"), [drained] { drained->count_down(); });
  drained->wait();
}

}  // namespace
}  // namespace freshet
