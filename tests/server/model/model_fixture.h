// A model that is served from a file system of the test's, with all that it needs.

#ifndef FRESHET_TESTS_SERVER_MODEL_MODEL_FIXTURE_H_
#define FRESHET_TESTS_SERVER_MODEL_MODEL_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <latch>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/str_cat.h"
#include "server/file/data_dir.h"
#include "server/model/model_manifest.h"
#include "server/model/served_model.h"
#include "server/recovery/model_recovery.h"
#include "server/view/learner_spec.h"
#include "tests/server/model/served_model_peer.h"

namespace freshet {

inline constexpr char kModel[] = "ctr";
inline constexpr absl::Duration kPatience = absl::Seconds(30);

inline v1::Model Spec(v1::Durability durability) {
  v1::Model spec;
  spec.set_name(StrCat("models/", kModel));
  spec.set_durability(durability);
  v1::LearnerSpec learner;
  learner.set_loss(v1::LOSS_LOGISTIC);
  learner.set_bits(10);
  learner.mutable_adagrad();
  *spec.add_variants()->mutable_learner() = ResolveLearnerSpec(learner).value();
  return spec;
}

// Batch number `sequence` of the stream that all tests push.
inline std::unique_ptr<BatchRecord> Message(uint64_t sequence) {
  std::mt19937 random(static_cast<uint32_t>(sequence));
  v1::LearnRequest request;
  request.set_model(StrCat("models/", kModel));
  request.set_producer_id("p");
  request.set_sequence(sequence);
  v1::PackedBatch& packed = *request.mutable_packed();
  packed.add_namespaces("");
  packed.add_segment_sizes(1);
  for (uint32_t i = 0; i < 1 + sequence % 5; ++i) {
    packed.add_labels(static_cast<float>(random() % 2));
    packed.add_feature_ids(random() % 64);
  }
  auto message = BatchRecord::Parse(SharedBytes::Of(request.SerializeAsString()));
  v1::BatchError error;
  EXPECT_TRUE(message->Decode(LossKind::kLogistic, {}, error)) << error.message();
  return message;
}

// Calls `start` with a callback and waits for what that gets.
template <typename T, typename Start>
T Await(Start start) {
  T result{};
  const auto done = std::make_shared<std::latch>(1);
  start([&result, done](T value) {
    result = std::move(value);
    done->count_down();
  });
  done->wait();
  return result;
}

// A served model with all that it needs. Destroyed without a word, as by a crash.
class Served {
 public:
  explicit Served(FileSystem& files, std::string folder = kModel, std::string root = "/data")
      : folder_(std::move(folder)),
        data_dir_(DataDir::Open(files, std::move(root)).value()),
        environment_{.data_dir = *data_dir_,
                     .learners = learners_,
                     .loggers = loggers_,
                     .io = io_,
                     .clock = [] { return absl::UnixEpoch(); },
                     .keep_snapshot_count = 1,
                     .log_segment_bytes = 600,
                     .log_retry_interval = absl::Milliseconds(1),
                     .server_version = "test"} {}

  ~Served() {
    if (model_ == nullptr) return;
    const auto drained = std::make_shared<std::latch>(1);
    PipelineOf(*model_).Close(absl::UnavailableError("closed"),
                              [drained] { drained->count_down(); });
    drained->wait();
  }

  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;

  void Create(v1::Durability durability) { Create(Spec(durability)); }
  void Create(const v1::Model& spec) {
    ASSERT_TRUE(data_dir_->CreateModel(kModel, FormatManifest(spec)).ok());
    Recover();
  }

  void Recover() {
    const absl::Status status = TryRecover();
    ASSERT_TRUE(status.ok()) << status;
  }
  absl::Status TryRecover() {
    RecoveryProgress progress;
    return TryRecover(progress);
  }
  absl::Status TryRecover(RecoveryProgress& progress) {
    auto model = RecoverModel(environment_, folder_, progress);
    if (!model.ok()) return model.status();
    model_ = *std::move(model);
    return absl::OkStatus();
  }

  LearnOutcome Push(uint64_t sequence) {
    return Await<LearnOutcome>(
        [&](auto done) { PipelineOf(*model_).Submit(Message(sequence), done); });
  }

  // As a client does: again and again until it is acknowledged.
  LearnOutcome PushUntilAcknowledged(uint64_t sequence) {
    const absl::Time deadline = absl::Now() + kPatience;
    while (true) {
      LearnOutcome outcome = Push(sequence);
      if (outcome.status.ok()) return outcome;
      EXPECT_TRUE(absl::IsUnavailable(outcome.status)) << outcome.status;
      EXPECT_LT(absl::Now(), deadline) << outcome.status;
      if (absl::Now() >= deadline) return outcome;
      absl::SleepFor(absl::Milliseconds(1));
    }
  }

  absl::Status TakeSnapshot(const std::string& id = "",
                            v1::SnapshotTrigger trigger = v1::SNAPSHOT_TRIGGER_INTERVAL) {
    return Await<absl::Status>([&](auto done) {
      model_->CreateSnapshot(id, trigger, [done](const absl::StatusOr<v1::Snapshot>& snapshot) {
        done(snapshot.status());
      });
    });
  }

  absl::Status Restore(const std::string& id) {
    return Await<absl::Status>([&](auto done) {
      model_->RestoreSnapshot(
          id, [done](const absl::StatusOr<v1::Model>& model) { done(model.status()); });
    });
  }

  absl::StatusOr<v1::Model> Update(const v1::UpdateModelRequest& request) {
    return Await<absl::StatusOr<v1::Model>>([&](auto done) { model_->Update(request, done); });
  }

  v1::Model Describe() {
    return Await<v1::Model>([&](auto done) {
      model_->Describe([done](absl::StatusOr<v1::Model> model) { done(*std::move(model)); });
    });
  }

  v1::ComputeDigestResponse Digest() {
    return Await<v1::ComputeDigestResponse>([&](auto done) {
      model_->ComputeDigest(
          [done](absl::StatusOr<v1::ComputeDigestResponse> digest) { done(*std::move(digest)); });
    });
  }

  ServedModel& model() { return *model_; }
  DataDir& data_dir() { return *data_dir_; }
  ModelEnvironment& environment() { return environment_; }

 private:
  const std::string folder_;  // Of the model.
  std::unique_ptr<DataDir> data_dir_;
  WorkerPool io_{"io", 1};
  WorkerPool learners_{"learner", 1};
  WorkerPool loggers_{"logger", 1};
  ModelEnvironment environment_;
  std::shared_ptr<ServedModel> model_;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_SERVER_MODEL_MODEL_FIXTURE_H_
