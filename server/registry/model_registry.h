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

  // No model is served before Recover(). Keeps a reference to `environment`.
  explicit ModelRegistry(const ModelEnvironment& environment);

  // A model that could not be recovered.
  struct DamagedModel {
    v1::Model description;             // What is known of it, with its state and the error.
    std::vector<std::string> folders;  // The names of the folders in models/ that hold it.
  };
  using DamagedMap = std::map<std::string, std::shared_ptr<const DamagedModel>, std::less<>>;

  // Recovers every model in the data folder, on the learners' threads, and then serves them. A
  // model that cannot be recovered is listed as damaged and named in the server's log, as is every
  // other entry in the models' folder. If the environment is strict, fails instead, with what is
  // wrong and the way out. Blocks. Call once.
  absl::Status Recover();

  // Makes Recover() end soon with CANCELLED, whether it is under way or called later.
  void CancelRecovery();

  // OK once the models are served; UNAVAILABLE before, which the methods below then return, too.
  absl::Status Ready() const;

  // The model of this id. NOT_FOUND if there is none; UNAVAILABLE, with the progress, while it is
  // being recovered; FAILED_PRECONDITION, with the damage and the way out, if it is damaged.
  absl::StatusOr<std::shared_ptr<ServedModel>> Find(std::string_view model_id) const;

  // The variant that the model predicts with. Errors as Find(), but also answers while the model is
  // being recovered, once it may predict (see ModelEnvironment::predict_while_recovering).
  absl::StatusOr<VariantView> FindChampion(std::string_view model_id) const;

  // Whether the queues of all models together have reached their limit.
  bool queues_are_full() const {
    return environment_.total_queued_bytes != nullptr &&
           environment_.total_queued_bytes->load(std::memory_order_relaxed) >=
               environment_.max_total_queue_bytes;
  }

  // The progress of each model's recovery, by id; empty once the models are served.
  struct Progress {
    // See RecoveryProgress.
    uint64_t offset = 0;
    uint64_t end_offset = 0;
  };
  std::map<std::string, Progress> RecoveryProgresses() const;

  // All models, by id; empty before they are served. Callers must keep the pointer while they use
  // the map, since a change replaces the map.
  std::shared_ptr<const ModelMap> models() const {
    std::shared_ptr<const Known> known = known_.Load();
    const ModelMap* models = &known->models;
    return {std::move(known), models};
  }
  // The same for damaged models.
  std::shared_ptr<const DamagedMap> damaged() const {
    std::shared_ptr<const Known> known = known_.Load();
    const DamagedMap* damaged = &known->damaged;
    return {std::move(known), damaged};
  }
  // The number of entries in the models' folder that were not models' folders when the server
  // started.
  size_t stray_count() const { return stray_count_; }

  // OK if a model of this id can be created. ALREADY_EXISTS if there is one; UNAVAILABLE while that
  // is being deleted; RESOURCE_EXHAUSTED at the limit of models. Does not wait for the disk.
  absl::Status CheckVacant(std::string_view model_id) const;

  // Creates a model on disk and serves it. With `origin`, the model begins with that snapshot's
  // learners and state. Of `requested`, only durability, log_retention and, without an origin, the
  // learner of at most one variant are used. Blocks on the disk. Errors as CheckVacant() and, for
  // the origin, as LoadImportedState(); INVALID_ARGUMENT for a bad option.
  absl::StatusOr<std::shared_ptr<ServedModel>> Create(std::string_view model_id,
                                                      const v1::Model& requested,
                                                      const LoadedSnapshot* origin = nullptr);

  // Deletes a model, and calls `done` once, on any thread: with OK as soon as no start will find
  // the model again. Waits until work on its files has ended, without holding up other models; its
  // streams then end with NOT_FOUND. After an error the model is as it was before. UNAVAILABLE if
  // it is being deleted already; FAILED_PRECONDITION for a damaged one that more than one folder
  // holds. The registry must live until `done` was called.
  void Delete(std::string_view model_id, std::function<void(absl::Status)> done);

 private:
  // The recoveries under way, by the ids of the models.
  using Recovery = std::map<std::string, RecoveryProgress, std::less<>>;

  // What Find(), models() and damaged() return.
  struct Known {
    ModelMap models;
    DamagedMap damaged;
  };

  // Recovers all models that are not known to be damaged. Returns the results by id.
  std::map<std::string, absl::StatusOr<std::shared_ptr<ServedModel>>> RecoverAll(
      const std::map<std::string, std::string>& folders);

  // The parts of Delete(), of which all but the first run on the io threads.
  absl::StatusOr<std::shared_ptr<ServedModel>> BeginDeletion(
      std::string_view model_id, std::shared_ptr<const DamagedModel>& damaged);
  void DeleteServed(const std::shared_ptr<ServedModel>& model,
                    const std::function<void(absl::Status)>& done);
  void DeleteDamaged(const std::string& model_id, const DamagedModel& damaged,
                     const std::function<void(absl::Status)>& done);
  void PutBack(const std::shared_ptr<ServedModel>& model);
  // Forgets a model whose files are gone, so that its id is free again.
  void Forget(const std::string& model_id);
  void EndDeletion(const std::string& model_id);
  void RemoveDeleted(const std::string& folder) const;

  absl::Status CheckVacantLocked(std::string_view model_id) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mu_);
  // Creates a model's files and brings it up; on failure leaves no files.
  absl::StatusOr<std::shared_ptr<ServedModel>> CreateOnDisk(const std::string& model_id,
                                                            const v1::Model& requested,
                                                            const LoadedSnapshot* origin) const;

  Published<Recovery> recovery_;  // Null once the models are served.
  Published<const Known> known_;

  const ModelEnvironment& environment_;
  mutable absl::Mutex change_mu_;  // Held while a changed copy replaces what is known.
  std::set<std::string, std::less<>> being_created_ ABSL_GUARDED_BY(change_mu_);
  std::set<std::string, std::less<>> being_deleted_ ABSL_GUARDED_BY(change_mu_);
  std::atomic<size_t> stray_count_{0};
  std::atomic<bool> recovery_cancelled_{false};
};

}  // namespace freshet

#endif  // FRESHET_SERVER_REGISTRY_MODEL_REGISTRY_H_
