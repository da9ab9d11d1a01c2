#include "server/runtime/model_registry.h"

#include <spdlog/spdlog.h>

#include <cstddef>
#include <latch>
#include <utility>

#include "core/base/str_cat.h"
#include "server/runtime/model_manifest.h"
#include "server/runtime/model_recovery.h"
#include "server/runtime/new_model.h"

namespace freshet {
namespace {

// The models' folders, by the models' ids.
absl::StatusOr<std::map<std::string, std::string>> FindFolders(const DataDir& data_dir) {
  const absl::StatusOr<std::vector<std::string>> folders = data_dir.ListModels();
  if (!folders.ok()) return folders.status();
  std::map<std::string, std::string> by_id;
  for (const std::string& folder : *folders) {
    const auto spec = ReadManifest(data_dir.file_system(), data_dir.ModelDir(folder));
    if (!spec.ok()) return spec.status();
    const auto [other, added] = by_id.emplace(ModelIdOf(*spec), folder);
    if (added) continue;
    return absl::DataLossError(StrCat(data_dir.ModelDir(folder), " and ",
                                      data_dir.ModelDir(other->second), " both hold ", spec->name(),
                                      "; move the one that is not wanted out of the data folder"));
  }
  return by_id;
}

}  // namespace

ModelRegistry::ModelRegistry(const RuntimeEnvironment& environment)
    : environment_(environment),
      recovery_(std::make_shared<Recovery>()),
      models_(std::make_shared<const ModelMap>()) {}

absl::Status ModelRegistry::Recover() {
  absl::StatusOr<std::map<std::string, std::string>> folders = FindFolders(environment_.data_dir);
  if (!folders.ok()) return folders.status();
  const auto recovery = std::make_shared<Recovery>();
  for (const auto& [id, folder] : *folders) (*recovery)[id];
  recovery_.Store(recovery);

  // Shared with the tasks, since the last may still be within count_down() when wait() returns.
  struct Outcome {
    explicit Outcome(size_t count) : left(static_cast<ptrdiff_t>(count)) {}
    std::latch left;
    absl::Mutex mu;
    absl::Status failure ABSL_GUARDED_BY(mu);
    ModelMap models ABSL_GUARDED_BY(mu);
  };
  const auto outcome = std::make_shared<Outcome>(folders->size());
  for (auto& [id, progress] : *recovery) {
    environment_.learners.Post(
        [this, recovery, outcome, &id = id, folder = folders->at(id), &progress = progress] {
          if (recovery_cancelled_) progress.cancelled = true;
          absl::StatusOr<std::shared_ptr<ModelRuntime>> model =
              RecoverModel(environment_, folder, progress);
          {
            const absl::MutexLock lock(&outcome->mu);
            if (model.ok()) {
              outcome->models.emplace(id, *std::move(model));
            } else if (outcome->failure.ok()) {
              outcome->failure = model.status();
              CancelRecovery();
            }
          }
          outcome->left.count_down();
        });
  }
  outcome->left.wait();
  const absl::MutexLock lock(&outcome->mu);
  if (!outcome->failure.ok()) return outcome->failure;
  if (recovery_cancelled_) return absl::CancelledError("the server is stopping");
  models_.Store(std::make_shared<const ModelMap>(std::move(outcome->models)));
  recovery_.Store(nullptr);
  return absl::OkStatus();
}

void ModelRegistry::CancelRecovery() {
  recovery_cancelled_ = true;
  if (const std::shared_ptr<Recovery> recovery = recovery_.Load()) {
    for (auto& [id, progress] : *recovery) progress.cancelled = true;
  }
}

absl::Status ModelRegistry::Ready() const {
  const std::shared_ptr<Recovery> recovery = recovery_.Load();
  if (recovery == nullptr) return absl::OkStatus();
  return absl::UnavailableError(
      StrCat("the server is starting: it recovers ", recovery->size(), " models; try again soon"));
}

std::map<std::string, ModelRegistry::Progress> ModelRegistry::RecoveryProgresses() const {
  std::map<std::string, Progress> progresses;
  if (const std::shared_ptr<Recovery> recovery = recovery_.Load()) {
    for (const auto& [id, progress] : *recovery) {
      progresses[id] = {progress.offset, progress.end_offset};
    }
  }
  return progresses;
}

absl::StatusOr<std::shared_ptr<ModelRuntime>> ModelRegistry::Find(std::string_view model_id) const {
  if (const std::shared_ptr<Recovery> recovery = recovery_.Load()) {
    const auto recovering = recovery->find(model_id);
    if (recovering == recovery->end()) return Ready();
    const RecoveryProgress& progress = recovering->second;
    return absl::UnavailableError(StrCat("model \"", model_id,
                                         "\" is being recovered: ", progress.offset.load(), " of ",
                                         progress.end_offset.load(), " records; try again soon"));
  }
  const std::shared_ptr<const ModelMap> models = models_.Load();
  const auto found = models->find(model_id);
  if (found != models->end()) return found->second;
  return absl::NotFoundError(StrCat("model \"", model_id, "\" not found; create it with 'freshet ",
                                    "models create ", model_id, "'"));
}

absl::StatusOr<std::shared_ptr<const Predictor>> ModelRegistry::FindPredictor(
    std::string_view model_id) const {
  absl::StatusOr<std::shared_ptr<ModelRuntime>> model = Find(model_id);
  if (model.ok()) return std::shared_ptr<const Predictor>(*model, &(*model)->predictor());
  if (const std::shared_ptr<Recovery> recovery = recovery_.Load()) {
    const auto recovering = recovery->find(model_id);
    if (recovering != recovery->end()) {
      if (auto predictor = recovering->second.predictor.Load()) return predictor;
    }
  }
  return model.status();
}

absl::Status ModelRegistry::CheckVacant(std::string_view model_id) const {
  absl::MutexLock lock(&change_mu_);
  return CheckVacantLocked(model_id);
}

absl::Status ModelRegistry::CheckVacantLocked(std::string_view model_id) const {
  if (absl::Status status = Ready(); !status.ok()) return status;
  const std::shared_ptr<const ModelMap> models = models_.Load();
  if (models->contains(model_id)) {
    return absl::AlreadyExistsError(StrCat("model \"", model_id, "\" exists; see it with 'freshet ",
                                           "models describe ", model_id, "'"));
  }
  if (being_created_.contains(model_id)) {
    return absl::AlreadyExistsError(StrCat("model \"", model_id, "\" is being created"));
  }
  if (models->size() + being_created_.size() >= environment_.max_models) {
    return absl::ResourceExhaustedError(StrCat("the server has ", environment_.max_models,
                                               " models, its limit (limits.max_models); delete "
                                               "one first"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<ModelRuntime>> ModelRegistry::Create(std::string_view model_id,
                                                                    const v1::Model& requested,
                                                                    const LoadedSnapshot* origin) {
  const std::string id(model_id);
  {
    absl::MutexLock lock(&change_mu_);
    if (absl::Status status = CheckVacantLocked(id); !status.ok()) return status;
    being_created_.insert(id);
  }
  absl::StatusOr<std::shared_ptr<ModelRuntime>> model = CreateOnDisk(id, requested, origin);
  absl::MutexLock lock(&change_mu_);
  being_created_.erase(id);
  if (!model.ok()) return model;
  auto changed = std::make_shared<ModelMap>(*models_.Load());
  changed->emplace(id, *model);
  models_.Store(std::move(changed));
  spdlog::info("event=model_created model={} origin={}", (*model)->name(),
               origin == nullptr ? "-" : origin->header().snapshot().name());
  return model;
}

absl::StatusOr<std::shared_ptr<ModelRuntime>> ModelRegistry::CreateOnDisk(
    const std::string& model_id, const v1::Model& requested, const LoadedSnapshot* origin) const {
  absl::StatusOr<v1::Model> spec = MakeModelSpec(model_id, requested, origin, environment_.clock());
  if (!spec.ok()) return spec.status();
  if (absl::Status status = CreateModelFiles(environment_, *spec, origin); !status.ok()) {
    return status;
  }
  RecoveryProgress progress;
  absl::StatusOr<std::shared_ptr<ModelRuntime>> recovered =
      RecoverModel(environment_, FolderOf(*spec), progress);
  if (!recovered.ok()) {  // No memory for its tables, most likely.
    const absl::Status deleted = environment_.data_dir.DeleteModel(FolderOf(*spec));
    if (!deleted.ok()) spdlog::error("event=cleanup_failed error=\"{}\"", deleted.ToString());
  }
  return recovered;
}

absl::Status ModelRegistry::Delete(std::string_view model_id) {
  absl::StatusOr<std::shared_ptr<ModelRuntime>> model = Find(model_id);
  if (!model.ok()) return model.status();
  absl::MutexLock lock(&change_mu_);
  const std::shared_ptr<const ModelMap> models = models_.Load();
  if (!models->contains(model_id)) return Find(model_id).status();
  auto changed = std::make_shared<ModelMap>(*models);
  changed->erase(std::string(model_id));
  models_.Store(std::move(changed));
  (*model)->pipeline().Close(
      absl::NotFoundError(StrCat("model \"", model_id,
                                 "\" was deleted; what this stream sent last "
                                 "may not have been learned")),
      [] {});
  absl::Status status = environment_.data_dir.DeleteModel(FolderOf((*model)->spec()));
  spdlog::info("event=model_deleted model={} status=\"{}\"", (*model)->name(), status.ToString());
  return status;
}

}  // namespace freshet
