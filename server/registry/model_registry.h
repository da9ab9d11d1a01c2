// The models of a server.

#ifndef FRESHET_SERVER_REGISTRY_MODEL_REGISTRY_H_
#define FRESHET_SERVER_REGISTRY_MODEL_REGISTRY_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "freshet/v1/model.pb.h"
#include "server/model/model_environment.h"
#include "server/model/recovery_progress.h"
#include "server/model/served_model.h"
#include "server/recovery/found_models.h"
#include "server/snapshot/snapshot_file.h"
#include "server/thread/published.h"

namespace freshet {

// Thread-safe. Find() takes no lock.
class ModelRegistry {
 public:
  using ModelMap = std::map<std::string, std::shared_ptr<ServedModel>, std::less<>>;

  // Serves nothing before Recover(). Keeps a reference to `environment`.
  explicit ModelRegistry(const ModelEnvironment& environment);

  // A model that could not be recovered.
  struct DamagedModel {
    v1::Model description;             // What is known of it, with its state and the reason.
    std::vector<std::string> folders;  // Those that hold it, by their names in models/.
  };
  using DamagedMap = std::map<std::string, std::shared_ptr<const DamagedModel>, std::less<>>;

  // Recovers every model in the data folder, on the learners' threads, and then serves them. One
  // that cannot be recovered is a damaged one from then on, and named in the server's log, as is
  // whatever else stands where the models do. Where the environment is strict this fails instead,
  // with a message that says what is wrong and the ways out. Blocks. Call once.
  absl::Status Recover();

  // Makes a Recover() that is under way, or that comes, end soon with CANCELLED.
  void CancelRecovery();

  // OK once the models are served; before, UNAVAILABLE. The methods below then answer the same.
  absl::Status Ready() const;

  // NOT_FOUND says how to create it; UNAVAILABLE, how far its recovery is; FAILED_PRECONDITION,
  // what is damaged and the ways out.
  absl::StatusOr<std::shared_ptr<ServedModel>> Find(std::string_view model_id) const;

  // What the model predicts with. Errors as Find(), but while a model is recovered only until it
  // may predict (see ModelEnvironment::predict_while_recovering).
  absl::StatusOr<VariantView> FindChampion(std::string_view model_id) const;

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
  std::shared_ptr<const ModelMap> models() const {
    std::shared_ptr<const Known> known = known_.Load();
    const ModelMap* models = &known->models;
    return {std::move(known), models};
  }
  // The same of those that are damaged.
  std::shared_ptr<const DamagedMap> damaged() const {
    std::shared_ptr<const Known> known = known_.Load();
    const DamagedMap* damaged = &known->damaged;
    return {std::move(known), damaged};
  }
  // What stood in the folder of the models when the server started and is no model's folder.
  size_t stray_count() const { return stray_count_; }

  // OK where a model of this id can be created: ALREADY_EXISTS; UNAVAILABLE while the one that has
  // the id is being deleted; RESOURCE_EXHAUSTED at the limit of models. Does not wait for the disk.
  absl::Status CheckVacant(std::string_view model_id) const;

  // Creates a model on disk and serves it; with `origin`, it begins with that snapshot's learners
  // and state. Of `requested`, durability, log_retention and, without an origin, at most one
  // variant's learner are read. Blocks on the disk. Errors as CheckVacant(); INVALID_ARGUMENT for a
  // bad option; those of LoadImportedState() for the origin.
  absl::StatusOr<std::shared_ptr<ServedModel>> Create(std::string_view model_id,
                                                      const v1::Model& requested,
                                                      const LoadedSnapshot* origin = nullptr);

  // Deletes a model, and calls `done` once, on any thread: with OK when no start will find it
  // again. What is under way on its files ends first, during which nobody else waits; its streams
  // then end with NOT_FOUND. After an error the model is as it was before. UNAVAILABLE where it is
  // being deleted already; FAILED_PRECONDITION for a damaged one that more than one folder holds.
  // The registry must live until then.
  void Delete(std::string_view model_id, std::function<void(absl::Status)> done);

 private:
  // Under way, by the ids of the models.
  using Recovery = std::map<std::string, RecoveryProgress, std::less<>>;

  // What Find() and models() tell of.
  struct Known {
    ModelMap models;
    DamagedMap damaged;
  };

  // Recovers the models that may be; what it comes to, by id.
  std::map<std::string, absl::StatusOr<std::shared_ptr<ServedModel>>> RecoverAll(
      const std::map<std::string, std::string>& folders);

  // The parts of Delete(), which run on the io threads but for the first.
  absl::StatusOr<std::shared_ptr<ServedModel>> BeginDeletion(
      std::string_view model_id, std::shared_ptr<const DamagedModel>& damaged);
  void DeleteServed(const std::shared_ptr<ServedModel>& model,
                    const std::function<void(absl::Status)>& done);
  void DeleteDamaged(const std::string& model_id, const DamagedModel& damaged,
                     const std::function<void(absl::Status)>& done);
  void PutBack(const std::shared_ptr<ServedModel>& model);
  // Forgets a model whose files are gone; `model_id` is free again.
  void Forget(const std::string& model_id);
  void EndDeletion(const std::string& model_id);
  void RemoveDeleted(const std::string& folder) const;

  absl::Status CheckVacantLocked(std::string_view model_id) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mu_);
  // Creates a model's files and brings it up, or leaves nothing.
  absl::StatusOr<std::shared_ptr<ServedModel>> CreateOnDisk(const std::string& model_id,
                                                            const v1::Model& requested,
                                                            const LoadedSnapshot* origin) const;

  Published<Recovery> recovery_;  // Null once the models are served.
  Published<const Known> known_;

  const ModelEnvironment& environment_;
  mutable absl::Mutex change_mu_;  // Held while what is known is replaced by a changed copy.
  std::set<std::string, std::less<>> being_created_ ABSL_GUARDED_BY(change_mu_);
  std::set<std::string, std::less<>> being_deleted_ ABSL_GUARDED_BY(change_mu_);
  std::atomic<size_t> stray_count_{0};
  std::atomic<bool> recovery_cancelled_{false};
};

}  // namespace freshet

#endif  // FRESHET_SERVER_REGISTRY_MODEL_REGISTRY_H_
