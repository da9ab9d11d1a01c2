// The models of a server.

#ifndef FRESHET_SERVER_RUNTIME_MODEL_REGISTRY_H_
#define FRESHET_SERVER_RUNTIME_MODEL_REGISTRY_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "freshet/v1/model.pb.h"
#include "server/runtime/model_runtime.h"
#include "server/runtime/recovery_progress.h"
#include "server/runtime/runtime_environment.h"
#include "server/snapshot/snapshot_file.h"
#include "server/thread/published.h"

namespace freshet {

// Thread-safe. Find() takes no lock.
class ModelRegistry {
 public:
  using ModelMap = std::map<std::string, std::shared_ptr<ModelRuntime>, std::less<>>;

  // Serves nothing before Recover(). Keeps a reference to `environment`.
  explicit ModelRegistry(const RuntimeEnvironment& environment);

  // Recovers every model in the data folder, on the learners' threads, and then serves them all.
  // Fails where one cannot be recovered; the message says which, why, and the ways out. Blocks.
  // Call once.
  absl::Status Recover();

  // Makes a Recover() that is under way, or that comes, end soon with CANCELLED.
  void CancelRecovery();

  // OK once the models are served; before, UNAVAILABLE. The methods below then answer the same.
  absl::Status Ready() const;

  // NOT_FOUND says how to create it; UNAVAILABLE, how far its recovery is.
  absl::StatusOr<std::shared_ptr<ModelRuntime>> Find(std::string_view model_id) const;

  // What the model predicts with. Errors as Find(), but while a model is recovered only until it
  // may predict (see RuntimeEnvironment::predict_while_recovering).
  absl::StatusOr<std::shared_ptr<const Predictor>> FindPredictor(std::string_view model_id) const;

  // Whether the queues of all models together hold as much as they may.
  bool queues_are_full() const {
    return environment_.total_queued_bytes != nullptr &&
           environment_.total_queued_bytes->load(std::memory_order_relaxed) >=
               environment_.max_total_queue_bytes;
  }

  // How far the recovery of each model is, by id; nothing once the models are served.
  struct Progress {
    uint64_t offset = 0;      // See RecoveryProgress.
    uint64_t end_offset = 0;  // As well.
  };
  std::map<std::string, Progress> RecoveryProgresses() const;

  // All models, by id; none before they are served. Keep what is returned as long as it is looked
  // at: a change replaces the map.
  std::shared_ptr<const ModelMap> models() const { return models_.Load(); }

  // OK where a model of this id can be created: ALREADY_EXISTS, RESOURCE_EXHAUSTED at the limit of
  // models. Does not wait for the disk unless a model is being deleted.
  absl::Status CheckVacant(std::string_view model_id) const;

  // Creates a model on disk and serves it; with `origin`, it begins with that snapshot's learners
  // and state. Of `requested`, durability, log_retention and, without an origin, at most one
  // variant's learner are read. Blocks on the disk. Errors as CheckVacant(); INVALID_ARGUMENT for a
  // bad option; those of LoadImportedState() for the origin.
  absl::StatusOr<std::shared_ptr<ModelRuntime>> Create(std::string_view model_id,
                                                       const v1::Model& requested,
                                                       const LoadedSnapshot* origin = nullptr);

  // Deletes a model: its streams end with NOT_FOUND, its files go. Blocks on the disk.
  absl::Status Delete(std::string_view model_id);

 private:
  // Under way, by the ids of the models.
  using Recovery = std::map<std::string, RecoveryProgress, std::less<>>;

  absl::Status CheckVacantLocked(std::string_view model_id) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mu_);
  // Creates a model's files and brings it up, or leaves nothing.
  absl::StatusOr<std::shared_ptr<ModelRuntime>> CreateOnDisk(const std::string& model_id,
                                                             const v1::Model& requested,
                                                             const LoadedSnapshot* origin) const;

  const RuntimeEnvironment& environment_;
  std::atomic<bool> recovery_cancelled_{false};
  Published<Recovery> recovery_;  // Null once the models are served.

  mutable absl::Mutex change_mu_;  // Held while the map below is replaced by a changed copy.
  std::set<std::string, std::less<>> being_created_ ABSL_GUARDED_BY(change_mu_);
  Published<const ModelMap> models_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_RUNTIME_MODEL_REGISTRY_H_
