// Models that begin with a snapshot of another: whole or not there, whatever fails.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <latch>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "core/base/str_cat.h"
#include "server/file/data_dir.h"
#include "server/file/model_folder.h"
#include "server/registry/model_registry.h"
#include "server/registry/new_model.h"
#include "tests/server/model/served_model_peer.h"
#include "tests/support/fault_file_system.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kSource[] = "source";
constexpr char kCopy[] = "copy";

std::unique_ptr<BatchRecord> Message(uint64_t sequence) {
  v1::LearnRequest request;
  request.set_model(StrCat("models/", kSource));
  request.set_producer_id("p");
  request.set_sequence(sequence);
  v1::PackedBatch& packed = *request.mutable_packed();
  packed.add_namespaces("");
  packed.add_segment_sizes(1);
  packed.add_labels(static_cast<float>(sequence % 2));
  packed.add_feature_ids(static_cast<uint32_t>(sequence % 7));
  auto message = BatchRecord::Parse(SharedBytes::Of(request.SerializeAsString()));
  v1::BatchError error;
  EXPECT_TRUE(message->Decode(LossKind::kLogistic, {}, error)) << error.message();
  return message;
}

// The models of a server on `files`. Destroyed without a word, as by a crash.
class Models {
 public:
  explicit Models(FileSystem& files)
      : data_dir_(DataDir::Open(files, "/data").value()),
        environment_{.data_dir = *data_dir_,
                     .learners = learners_,
                     .loggers = loggers_,
                     .io = io_,
                     .clock = [] { return absl::UnixEpoch(); },
                     .keep_snapshot_count = 1,
                     .max_models = 2,
                     .server_version = "test"},
        registry_(environment_) {
    const absl::Status recovered = registry_.Recover();
    EXPECT_TRUE(recovered.ok()) << recovered;
  }

  ~Models() {
    for (const auto models = registry_.models(); const auto& [id, model] : *models) {
      const auto drained = std::make_shared<std::latch>(1);
      PipelineOf(*model).Close(absl::UnavailableError("closed"),
                               [drained] { drained->count_down(); });
      drained->wait();
    }
  }

  Models(const Models&) = delete;
  Models& operator=(const Models&) = delete;

  ModelRegistry& registry() { return registry_; }
  ModelFiles& FilesOfModel(const char* id) { return FilesOf(*registry_.Find(id).value()); }

  // A model that has learned five batches, and a snapshot of that.
  void CreateSource() {
    v1::Model requested;
    v1::LearnerSpec& learner = *requested.add_variants()->mutable_learner();
    learner.set_loss(v1::LOSS_LOGISTIC);
    learner.set_bits(10);
    ASSERT_TRUE(registry_.Create(kSource, requested).ok());
    for (uint64_t sequence = 1; sequence <= 5; ++sequence) Push(sequence);
    const auto done = std::make_shared<std::latch>(1);
    registry_.Find(kSource).value()->CreateSnapshot(
        "kept", v1::SNAPSHOT_TRIGGER_REQUEST, [done](const absl::StatusOr<v1::Snapshot>& snapshot) {
          EXPECT_TRUE(snapshot.ok()) << snapshot.status();
          done->count_down();
        });
    done->wait();
  }

  LoadedSnapshot Origin() { return FilesOfModel(kSource).snapshots().Load("kept").value(); }

  absl::Status CreateCopy(const LoadedSnapshot& origin, v1::Durability durability) {
    v1::Model requested;
    requested.set_durability(durability);
    return registry_.Create(kCopy, requested, &origin).status();
  }

  std::string DigestOf(const char* model) {
    std::string digest;
    const auto done = std::make_shared<std::latch>(1);
    registry_.Find(model).value()->ComputeDigest(
        [&digest, done](const absl::StatusOr<v1::ComputeDigestResponse>& response) {
          digest = response->digest();
          done->count_down();
        });
    done->wait();
    return digest;
  }

 private:
  void Push(uint64_t sequence) {
    const auto done = std::make_shared<std::latch>(1);
    PipelineOf(*registry_.Find(kSource).value())
        .Submit(Message(sequence), [done](const LearnOutcome& outcome) {
          EXPECT_TRUE(outcome.status.ok()) << outcome.status;
          done->count_down();
        });
    done->wait();
  }

  std::unique_ptr<DataDir> data_dir_;
  WorkerPool io_{"io", 1};
  WorkerPool learners_{"learner", 1};
  WorkerPool loggers_{"logger", 1};
  ModelEnvironment environment_;
  ModelRegistry registry_;
};

// The ids of the models whose folders there are; the whole name of what is no model's folder.
std::vector<std::string> ModelFolders(FaultFileSystem& files) {
  std::vector<std::string> ids;
  const std::vector<DirEntry> entries = files.ListDir("/data/models").value();
  ids.reserve(entries.size());
  for (const DirEntry& entry : entries) {
    const std::optional<ModelFolder> folder = ParseModelFolderName(entry.name);
    ids.push_back(folder.has_value() ? folder->model_id : entry.name);
  }
  return ids;
}

enum class Failing { kOneCall, kAllFromThere };

// Creates a model from a snapshot while call number `call` fails, loses the power, and starts
// again. Returns whether that call was reached; counts what failed.
bool CreateWhileFailing(uint64_t call, Failing failing, v1::Durability durability,
                        Survival survival, int& failures) {
  FaultFileSystem files;
  std::string digest;
  bool created = false;
  bool reached = false;
  {
    Models models(files);
    models.CreateSource();
    digest = models.DigestOf(kSource);
    const LoadedSnapshot origin = models.Origin();
    failing == Failing::kOneCall ? files.FailCall(call, EIO) : files.FailFrom(call, ENOSPC);
    const absl::Status status = models.CreateCopy(origin, durability);
    reached = files.calls() > call;
    files.Heal();
    created = status.ok();
    EXPECT_EQ(models.registry().Find(kCopy).ok(), created) << status;
    if (created) {
      EXPECT_EQ(models.DigestOf(kCopy), digest);
    } else {
      ++failures;
      EXPECT_FALSE(status.message().empty());
    }
  }
  std::mt19937_64 random(call);
  files.PowerLoss(survival, random);
  Models models(files);
  // Where everything fails, also what would take it away again, a whole model may be left.
  if (created || (failing == Failing::kAllFromThere && models.registry().Find(kCopy).ok())) {
    EXPECT_THAT(ModelFolders(files), ElementsAre(kCopy, kSource));
  } else {
    EXPECT_THAT(ModelFolders(files), ElementsAre(kSource));
    const absl::Status again = models.CreateCopy(models.Origin(), durability);
    EXPECT_TRUE(again.ok()) << again;
  }
  EXPECT_EQ(models.DigestOf(kCopy), digest);
  EXPECT_EQ(models.registry().Find(kCopy).value()->offset(), 1U);
  return reached;
}

TEST(NewModelTest, WhicheverCallFailsAModelFromASnapshotIsWholeOrNotThere) {
  for (const Failing failing : {Failing::kOneCall, Failing::kAllFromThere}) {
    for (const v1::Durability durability : {v1::DURABILITY_FSYNC, v1::DURABILITY_NONE}) {
      for (const Survival survival : {Survival::kNothing, Survival::kAnySectors}) {
        uint64_t call = 0;
        int failures = 0;
        for (bool reached = true; reached && !testing::Test::HasFailure(); ++call) {
          SCOPED_TRACE(StrCat("durability ", static_cast<int>(durability), ", call ", call));
          reached = CreateWhileFailing(call, failing, durability, survival, failures);
        }
        EXPECT_GT(call, 40U);
        EXPECT_GT(failures, 30);
      }
    }
  }
}

TEST(NewModelTest, TheOriginStaysAsLongAsTheLogBeginsWithIt) {
  FaultFileSystem files;
  Models models(files);
  models.CreateSource();
  ASSERT_TRUE(models.CreateCopy(models.Origin(), v1::DURABILITY_FSYNC).ok());
  const absl::Status refused = models.FilesOfModel(kCopy).DeleteSnapshot(kOriginSnapshotId);
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  const auto done = std::make_shared<std::latch>(1);
  models.registry().Find(kCopy).value()->CreateSnapshot(
      "", v1::SNAPSHOT_TRIGGER_INTERVAL, [done](const auto&) { done->count_down(); });
  done->wait();
  const absl::Status deleted = models.FilesOfModel(kCopy).DeleteSnapshot(kOriginSnapshotId);
  EXPECT_TRUE(deleted.ok()) << deleted;
}

TEST(NewModelTest, AStateThatDoesNotFitItsLearnersLeavesNothing) {
  FaultFileSystem files;
  Models models(files);
  models.CreateSource();
  const LoadedSnapshot origin = models.Origin();
  const auto with = [&](const v1::SnapshotFileHeader& header, size_t bytes) {
    auto copy = std::make_unique<std::byte[]>(bytes);
    std::copy_n(origin.payload().begin(), bytes, copy.get());
    return LoadedSnapshot(header, std::move(copy), bytes);
  };
  const size_t size = origin.payload().size();
  v1::SnapshotFileHeader wider = origin.header();
  wider.mutable_model()->mutable_variants(0)->mutable_learner()->set_bits(11);
  EXPECT_TRUE(absl::IsDataLoss(models.CreateCopy(with(wider, size), v1::DURABILITY_FSYNC)));
  EXPECT_TRUE(
      absl::IsDataLoss(models.CreateCopy(with(origin.header(), size - 1), v1::DURABILITY_FSYNC)));
  v1::SnapshotFileHeader newer = origin.header();
  newer.set_state_version(ModelState::kVersion + 1);
  EXPECT_TRUE(
      absl::IsFailedPrecondition(models.CreateCopy(with(newer, size), v1::DURABILITY_NONE)));
  v1::SnapshotFileHeader empty = origin.header();
  empty.mutable_model()->clear_variants();
  EXPECT_TRUE(
      absl::IsFailedPrecondition(models.CreateCopy(with(empty, size), v1::DURABILITY_FSYNC)));
  EXPECT_THAT(ModelFolders(files), ElementsAre(kSource));
  EXPECT_TRUE(models.CreateCopy(with(origin.header(), size), v1::DURABILITY_FSYNC).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(models.registry().CheckVacant(kCopy)));
  EXPECT_TRUE(absl::IsResourceExhausted(models.registry().CheckVacant("third")));
}

// An automatic snapshot once took the id that one taken by request had, and failed for it.
TEST(NewModelTest, IdsThatAreChosenPassOverThoseThatCameFromElsewhere) {
  FaultFileSystem files;
  Models models(files);
  models.CreateSource();
  const std::shared_ptr<ServedModel> source = models.registry().Find(kSource).value();
  ASSERT_TRUE(source->ImportSnapshot("s000001", models.Origin()).ok());
  ASSERT_TRUE(source->ImportSnapshot("s000002", models.Origin()).ok());
  EXPECT_EQ(FilesOf(*source).NextSnapshotId(), "s000003");
  EXPECT_EQ(FilesOf(*source).snapshot_offset(), 5U) << "of the one that was taken, not imported";
}

}  // namespace
}  // namespace freshet
