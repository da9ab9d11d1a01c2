#include "server/registry/model_registry.h"

#include <spdlog/spdlog.h>

#include <cstddef>
#include <latch>
#include <utility>

#include "core/base/json_object.h"
#include "core/base/str_cat.h"
#include "server/model/model_manifest.h"
#include "server/recovery/model_recovery.h"
#include "server/registry/new_model.h"

namespace freshet {
namespace {

std::shared_ptr<const ModelRegistry::DamagedModel> MakeDamaged(FoundModel found) {
  auto damaged = std::make_shared<ModelRegistry::DamagedModel>();
  damaged->description = std::move(found.spec);
  damaged->description.set_state(v1::MODEL_STATE_DAMAGED);
  damaged->description.set_state_reason(std::string(found.problem.message()));
  damaged->folders = std::move(found.folders);
  return damaged;
}

}  // namespace

ModelRegistry::ModelRegistry(const ModelEnvironment& environment)
    : recovery_(std::make_shared<Recovery>()),
      known_(std::make_shared<const Known>()),
      environment_(environment) {}

std::map<std::string, absl::StatusOr<std::shared_ptr<ServedModel>>> ModelRegistry::RecoverAll(
    const std::map<std::string, std::string>& folders) {
  using Outcomes = std::map<std::string, absl::StatusOr<std::shared_ptr<ServedModel>>>;
  const auto recovery = std::make_shared<Recovery>();
  for (const auto& [id, folder] : folders) (*recovery)[id];
  recovery_.Store(recovery);
  // Shared with the tasks, since the last may still be within count_down() when wait() returns.
  struct Shared {
    explicit Shared(size_t count) : left(static_cast<ptrdiff_t>(count)) {}
    std::latch left;
    absl::Mutex mu;
    Outcomes outcomes ABSL_GUARDED_BY(mu);
  };
  const auto shared = std::make_shared<Shared>(folders.size());
  for (auto& [id, progress] : *recovery) {
    environment_.learners.Post(
        [this, recovery, shared, &id = id, folder = folders.at(id), &progress = progress] {
          if (recovery_cancelled_) progress.cancelled = true;
          auto model = RecoverModel(environment_, folder, progress);
          if (!model.ok() && environment_.strict) CancelRecovery();
          {
            const absl::MutexLock lock(&shared->mu);
            shared->outcomes.emplace(id, std::move(model));
          }
          shared->left.count_down();
        });
  }
  shared->left.wait();
  const absl::MutexLock lock(&shared->mu);
  return std::move(shared->outcomes);
}

absl::Status ModelRegistry::Recover() {
  absl::StatusOr<FoundModels> found =
      FindModels(environment_.data_dir.file_system(), environment_.data_dir.path());
  if (!found.ok()) return found.status();
  stray_count_ = found->strays.size();
  for (const absl::Status& stray : found->strays) {
    if (environment_.strict) return stray;
    spdlog::error("event=stray_entry error={}", JsonString(ToStd(stray.message())));
  }
  std::map<std::string, std::string> folders;
  for (const auto& [id, model] : found->models) {
    // If only one folder holds the model, its recovery gives the better explanation.
    if (model.folders.size() == 1) {
      folders.emplace(id, model.folders.front());
    } else if (environment_.strict) {
      return model.problem;
    }
  }
  auto known = std::make_shared<Known>();
  absl::Status failure;
  for (auto& [id, model] : RecoverAll(folders)) {
    if (model.ok()) {
      found->models[id].problem = absl::OkStatus();
      known->models.emplace(id, *std::move(model));
      continue;
    }
    // If the environment is strict, the first failure cancels all other recoveries. Report that
    // one.
    if (failure.ok() || absl::IsCancelled(failure)) failure = model.status();
    found->models[id].problem = model.status();
  }
  if (environment_.strict && !failure.ok()) return failure;
  if (recovery_cancelled_) return absl::CancelledError("the server is stopping");
  for (auto& [id, model] : found->models) {
    if (model.problem.ok()) continue;
    spdlog::error("event=model_damaged model={} error={}", model.spec.name(),
                  JsonString(ToStd(model.problem.message())));
    known->damaged.emplace(id, MakeDamaged(std::move(model)));
  }
  known_.Store(std::move(known));
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

absl::StatusOr<std::shared_ptr<ServedModel>> ModelRegistry::Find(std::string_view model_id) const {
  if (const std::shared_ptr<Recovery> recovery = recovery_.Load()) {
    const auto recovering = recovery->find(model_id);
    if (recovering != recovery->end()) {
      const RecoveryProgress& progress = recovering->second;
      return absl::UnavailableError(
          StrCat("model \"", model_id, "\" is being recovered: ", progress.offset.load(), " of ",
                 progress.end_offset.load(), " records; try again soon"));
    }
    // The recovery may have ended since it was loaded above.
    if (absl::Status starting = Ready(); !starting.ok()) return starting;
  }
  const std::shared_ptr<const Known> known = known_.Load();
  const auto found = known->models.find(model_id);
  if (found != known->models.end()) return found->second;
  if (const auto damaged = known->damaged.find(model_id); damaged != known->damaged.end()) {
    return absl::FailedPreconditionError(
        StrCat("model \"", model_id,
               "\" is damaged and takes no calls until the server is started "
               "again on repaired files: ",
               damaged->second->description.state_reason()));
  }
  return absl::NotFoundError(StrCat("model \"", model_id, "\" not found; create it with 'freshet ",
                                    "models create ", model_id, "'"));
}

absl::StatusOr<VariantView> ModelRegistry::FindChampion(std::string_view model_id) const {
  const absl::StatusOr<std::shared_ptr<ServedModel>> model = Find(model_id);
  if (model.ok()) return (*model)->Champion();
  if (const std::shared_ptr<Recovery> recovery = recovery_.Load()) {
    const auto recovering = recovery->find(model_id);
    if (recovering != recovery->end()) {
      if (const auto predictor = recovering->second.predictor.Load()) return predictor->Now();
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
  const std::shared_ptr<const Known> known = known_.Load();
  if (being_deleted_.contains(model_id)) {
    return absl::UnavailableError(
        StrCat("model \"", model_id, "\" is being deleted; try again when that is done"));
  }
  if (known->models.contains(model_id) || known->damaged.contains(model_id)) {
    return absl::AlreadyExistsError(StrCat("model \"", model_id, "\" exists; see it with 'freshet ",
                                           "models describe ", model_id, "'"));
  }
  if (being_created_.contains(model_id)) {
    return absl::AlreadyExistsError(StrCat("model \"", model_id, "\" is being created"));
  }
  if (known->models.size() + known->damaged.size() + being_created_.size() >=
      environment_.max_models) {
    return absl::ResourceExhaustedError(StrCat("the server has ", environment_.max_models,
                                               " models, its limit (limits.max_models); delete "
                                               "one first"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<ServedModel>> ModelRegistry::Create(std::string_view model_id,
                                                                   const v1::Model& requested,
                                                                   const LoadedSnapshot* origin) {
  const std::string id(model_id);
  {
    absl::MutexLock lock(&change_mu_);
    if (absl::Status status = CheckVacantLocked(id); !status.ok()) return status;
    being_created_.insert(id);
  }
  absl::StatusOr<std::shared_ptr<ServedModel>> model = CreateOnDisk(id, requested, origin);
  absl::MutexLock lock(&change_mu_);
  being_created_.erase(id);
  if (!model.ok()) return model;
  auto changed = std::make_shared<Known>(*known_.Load());
  changed->models.emplace(id, *model);
  known_.Store(std::move(changed));
  spdlog::info("event=model_created model={} uid={} origin={}", (*model)->name(),
               (*model)->spec().uid(),
               origin == nullptr ? "-" : origin->header().snapshot().name());
  return model;
}

absl::StatusOr<std::shared_ptr<ServedModel>> ModelRegistry::CreateOnDisk(
    const std::string& model_id, const v1::Model& requested, const LoadedSnapshot* origin) const {
  absl::StatusOr<v1::Model> spec = MakeModelSpec(model_id, requested, origin, environment_.clock());
  if (!spec.ok()) return spec.status();
  if (absl::Status status = CreateModelFiles(environment_, *spec, origin); !status.ok()) {
    return status;
  }
  RecoveryProgress progress;
  absl::StatusOr<std::shared_ptr<ServedModel>> recovered =
      RecoverModel(environment_, FolderOf(*spec), progress);
  // The most likely cause is that there is no memory for the model's tables.
  if (!recovered.ok()) environment_.data_dir.DiscardModel(FolderOf(*spec));
  return recovered;
}

absl::StatusOr<std::shared_ptr<ServedModel>> ModelRegistry::BeginDeletion(
    std::string_view model_id, std::shared_ptr<const DamagedModel>& damaged) {
  if (absl::Status status = Ready(); !status.ok()) return status;
  const absl::MutexLock lock(&change_mu_);
  if (being_deleted_.contains(model_id)) {
    return absl::UnavailableError(StrCat("model \"", model_id, "\" is being deleted already"));
  }
  const std::shared_ptr<const Known> known = known_.Load();
  std::shared_ptr<ServedModel> model;
  if (const auto found = known->damaged.find(model_id); found != known->damaged.end()) {
    damaged = found->second;
    if (damaged->folders.size() > 1) {
      return absl::FailedPreconditionError(damaged->description.state_reason());
    }
  } else {
    absl::StatusOr<std::shared_ptr<ServedModel>> served = Find(model_id);
    if (!served.ok()) return served;
    model = *std::move(served);
  }
  being_deleted_.emplace(model_id);
  return model;
}

void ModelRegistry::Delete(std::string_view model_id, std::function<void(absl::Status)> done) {
  std::shared_ptr<const DamagedModel> damaged;
  absl::StatusOr<std::shared_ptr<ServedModel>> begun = BeginDeletion(model_id, damaged);
  if (!begun.ok()) {
    done(begun.status());
    return;
  }
  if (damaged != nullptr) {
    environment_.io.Post([this, id = std::string(model_id), damaged, done = std::move(done)] {
      DeleteDamaged(id, *damaged, done);
    });
    return;
  }
  const std::shared_ptr<ServedModel> model = *std::move(begun);
  model->HoldFiles([this, model, done = std::move(done)] {
    environment_.io.Post([this, model, done] { DeleteServed(model, done); });
  });
}

void ModelRegistry::DeleteServed(const std::shared_ptr<ServedModel>& model,
                                 const std::function<void(absl::Status)>& done) {
  const std::string folder = FolderOf(model->spec());
  const absl::Status status = environment_.data_dir.DeleteModel(folder);
  if (!status.ok()) {
    spdlog::error("event=model_not_deleted model={} error={}", model->name(),
                  JsonString(ToStd(status.message())));
    PutBack(model);
    done(absl::Status(status.code(),
                      StrCat(model->name(), " was not deleted: ", ToStd(status.message()))));
    return;
  }
  Forget(model->id());
  model->EndAsDeleted();
  spdlog::info("event=model_deleted model={} uid={}", model->name(), model->spec().uid());
  RemoveDeleted(folder);
  done(absl::OkStatus());
}

// Lets the model learn again, once its folder is certain to be in its place even after a crash.
void ModelRegistry::PutBack(const std::shared_ptr<ServedModel>& model) {
  const absl::Status status = environment_.data_dir.UndoDelete(FolderOf(model->spec()));
  if (status.ok()) {
    model->ReleaseFiles();
    EndDeletion(model->id());
    return;
  }
  model->FailHeldFiles(status);
  if (!model->is_open()) return;  // The server is stopping.
  environment_.io.PostAfter(environment_.log_retry_interval, [this, model] { PutBack(model); });
}

void ModelRegistry::DeleteDamaged(const std::string& model_id, const DamagedModel& damaged,
                                  const std::function<void(absl::Status)>& done) {
  const std::string& folder = damaged.folders.front();
  const absl::Status status = environment_.data_dir.DeleteModel(folder);
  if (!status.ok()) {
    // Nobody uses the folder. If it cannot be put back, the next deletion goes on from there.
    environment_.data_dir.UndoDelete(folder).IgnoreError();
    EndDeletion(model_id);
    done(status);
    return;
  }
  Forget(model_id);
  spdlog::info("event=model_deleted model={} uid={}", damaged.description.name(),
               damaged.description.uid());
  RemoveDeleted(folder);
  done(absl::OkStatus());
}

void ModelRegistry::Forget(const std::string& model_id) {
  const absl::MutexLock lock(&change_mu_);
  auto changed = std::make_shared<Known>(*known_.Load());
  changed->models.erase(model_id);
  changed->damaged.erase(model_id);
  known_.Store(std::move(changed));
  being_deleted_.erase(model_id);
}

void ModelRegistry::EndDeletion(const std::string& model_id) {
  const absl::MutexLock lock(&change_mu_);
  being_deleted_.erase(model_id);
}

void ModelRegistry::RemoveDeleted(const std::string& folder) const {
  const absl::Status removed = environment_.data_dir.RemoveDeleted(folder);
  if (removed.ok()) return;
  spdlog::warn("event=deleted_files_left error={}; the next start removes them",
               JsonString(ToStd(removed.message())));
}

}  // namespace freshet
