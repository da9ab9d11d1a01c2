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
#include "server/runtime/runtime_environment.h"

namespace freshet {

// Thread-safe. Find() takes no lock.
class ModelRegistry {
 public:
  using ModelMap = std::map<std::string, std::shared_ptr<ModelRuntime>, std::less<>>;

  // Recovers every model in the data folder. Fails where one cannot be recovered; the message says
  // which, why, and the ways out. Keeps a reference to `environment`.
  static absl::StatusOr<std::unique_ptr<ModelRegistry>> Open(const RuntimeEnvironment& environment);

  // NOT_FOUND says how to create it.
  absl::StatusOr<std::shared_ptr<ModelRuntime>> Find(std::string_view model_id) const;

  // All models, by id.
  std::shared_ptr<const ModelMap> models() const { return models_.load(); }

  // Creates a model on disk and serves it. Of `requested`, durability and at most one variant's
  // learner are read. Blocks on the disk. ALREADY_EXISTS, INVALID_ARGUMENT for a bad option,
  // RESOURCE_EXHAUSTED at the limit of models.
  absl::StatusOr<std::shared_ptr<ModelRuntime>> Create(std::string_view model_id,
                                                       const v1::Model& requested);

  // Deletes a model: its streams end with NOT_FOUND, its files go. Blocks on the disk.
  absl::Status Delete(std::string_view model_id);

 private:
  explicit ModelRegistry(const RuntimeEnvironment& environment);

  const RuntimeEnvironment& environment_;

  absl::Mutex change_mu_;  // Held while the map below is replaced by a changed copy.
  std::atomic<std::shared_ptr<const ModelMap>> models_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_RUNTIME_MODEL_REGISTRY_H_
