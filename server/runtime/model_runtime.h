// A model that is being served.

#ifndef FRESHET_SERVER_RUNTIME_MODEL_RUNTIME_H_
#define FRESHET_SERVER_RUNTIME_MODEL_RUNTIME_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "core/feature/example_batch.h"
#include "core/loss/loss_kind.h"
#include "core/model/learner.h"
#include "freshet/v1/model.pb.h"
#include "freshet/v1/model_service.pb.h"
#include "server/runtime/model_state.h"
#include "server/runtime/pipeline.h"
#include "server/runtime/runtime_environment.h"
#include "server/snapshot/snapshot_store.h"

namespace freshet {

// Thread-safe. Callbacks run on any thread, once, and must not block.
class ModelRuntime : public std::enable_shared_from_this<ModelRuntime> {
 public:
  template <typename T>
  using Callback = std::function<void(absl::StatusOr<T>)>;

  // Takes over `state`, which is new or recovered, and `log`, which stands at the same offset and
  // is null for DURABILITY_NONE. `spec` is the model with its learners resolved; its figures are
  // ignored. `model_id` is the last part of its name.
  static std::shared_ptr<ModelRuntime> Start(const RuntimeEnvironment& environment,
                                             std::string model_id, v1::Model spec,
                                             std::unique_ptr<SnapshotStore> snapshots,
                                             std::unique_ptr<Log> log,
                                             std::unique_ptr<ModelState> state);

  const std::string& id() const { return id_; }
  const std::string& name() const { return spec_.name(); }
  LossKind loss() const { return loss_; }
  Pipeline& pipeline() { return *pipeline_; }

  // Scores and predictions of the champion as it is now, without a lock and without waiting.
  // Returns the model's offset: the weights include at least that many records.
  // REQUIRES: the sizes of all three agree.
  uint64_t Predict(const ExampleBatch& examples, std::span<float> scores,
                   std::span<float> predictions) const;

  // The prediction that belongs to a score.
  float Prediction(float score) const;

  // The model with its figures as of now.
  void Describe(Callback<v1::Model> done);

  // Takes a snapshot between two records; it is written once the log has all of them. An empty id
  // lets the model choose one. Automatic snapshots beyond those to be kept are then deleted, and so
  // are the log's records that recovery from the oldest automatic one does not need.
  void CreateSnapshot(std::string snapshot_id, v1::SnapshotTrigger trigger,
                      Callback<v1::Snapshot> done);

  // Puts the model back to the state of a snapshot. Reads the file on the calling thread.
  void RestoreSnapshot(std::string_view snapshot_id, Callback<v1::Model> done);

  // A hash of the state (see ModelState::ComputeDigest()).
  void ComputeDigest(Callback<v1::ComputeDigestResponse> done);

  SnapshotStore& snapshots() { return *snapshots_; }

  // True where the state has moved on since the newest snapshot.
  bool HasNewRecords() const { return offset() != snapshot_offset_.load(); }

  uint64_t offset() const { return served_->offset.load(std::memory_order_acquire); }

 private:
  // What readers see. Outlives the runtime while the strand still runs.
  struct Served {
    std::atomic<std::shared_ptr<const Learner>> champion;
    std::atomic<uint64_t> offset{0};
  };

  ModelRuntime(const RuntimeEnvironment& environment, std::string model_id, v1::Model spec,
               std::unique_ptr<SnapshotStore> snapshots, std::unique_ptr<Log> log);

  std::string NextSnapshotId();
  // Writes the copy of a state. Blocks on the disk.
  absl::StatusOr<v1::Snapshot> WriteSnapshot(v1::SnapshotFileHeader header,
                                             const StateWriter& state);
  // Deletes automatic snapshots beyond those to be kept, and the log records that no kept one
  // needs.
  void DeleteOldFiles() ABSL_LOCKS_EXCLUDED(cleanup_mu_);

  const RuntimeEnvironment& environment_;
  const std::string id_;
  const v1::Model spec_;
  const LossKind loss_;
  const std::unique_ptr<SnapshotStore> snapshots_;
  const std::shared_ptr<LogWriter> log_;  // Null: no log.
  const std::shared_ptr<Served> served_ = std::make_shared<Served>();
  std::shared_ptr<Pipeline> pipeline_;  // Constant after Start().

  // One clean-up at a time: held through its work on the disk, and nobody else waits for it.
  absl::Mutex cleanup_mu_;
  std::atomic<uint64_t> snapshot_offset_{0};  // Of the newest snapshot.
  std::atomic<uint64_t> next_snapshot_number_{1};
};

}  // namespace freshet

#endif  // FRESHET_SERVER_RUNTIME_MODEL_RUNTIME_H_
