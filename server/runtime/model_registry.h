// The models of a server.

#ifndef FRESHET_SERVER_RUNTIME_MODEL_REGISTRY_H_
#define FRESHET_SERVER_RUNTIME_MODEL_REGISTRY_H_

#include <atomic>
#include <map>
#include <memory>
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

  // All models, by id; none before they are served.
  std::shared_ptr<const ModelMap> models() const { return models_.load(); }

  // Creates a model on disk and serves it. Of `requested`, durability, log_retention and at
  // most one variant's learner are read. Blocks on the disk. ALREADY_EXISTS, INVALID_ARGUMENT for a
  // bad option, RESOURCE_EXHAUSTED at the limit of models.
  absl::StatusOr<std::shared_ptr<ModelRuntime>> Create(std::string_view model_id,
                                                       const v1::Model& requested);

  // Deletes a model: its streams end with NOT_FOUND, its files go. Blocks on the disk.
  absl::Status Delete(std::string_view model_id);

 private:
  // Under way, by the ids of the models.
  using Recovery = std::map<std::string, RecoveryProgress, std::less<>>;

  const RuntimeEnvironment& environment_;
  std::atomic<bool> recovery_cancelled_{false};
  std::atomic<std::shared_ptr<Recovery>> recovery_;  // Null once the models are served.

  absl::Mutex change_mu_;  // Held while the map below is replaced by a changed copy.
  std::atomic<std::shared_ptr<const ModelMap>> models_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_RUNTIME_MODEL_REGISTRY_H_
