#include "server/runtime/model_registry.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "core/base/str_cat.h"
#include "google/protobuf/util/time_util.h"
#include "server/runtime/learner_spec.h"
#include "server/runtime/model_recovery.h"

namespace freshet {
namespace {

// The spec of a new model: what was asked for, with every default filled in.
absl::StatusOr<v1::Model> MakeSpec(std::string_view model_id, const v1::Model& requested,
                                   absl::Time now) {
  if (requested.variants_size() > 1) {
    return absl::InvalidArgumentError("a new model has one variant, main; add others later");
  }
  v1::Model spec;
  spec.set_name(StrCat("models/", model_id));
  spec.set_durability(requested.durability() == v1::DURABILITY_UNSPECIFIED
                          ? v1::DURABILITY_FSYNC
                          : requested.durability());
  *spec.mutable_create_time() =
      google::protobuf::util::TimeUtil::NanosecondsToTimestamp(absl::ToUnixNanos(now));
  v1::LearnerSpec learner;
  if (requested.variants_size() == 1) learner = requested.variants(0).learner();
  absl::StatusOr<v1::LearnerSpec> resolved = ResolveLearnerSpec(learner);
  if (!resolved.ok()) return resolved.status();
  v1::Variant& variant = *spec.add_variants();
  variant.set_name(StrCat(spec.name(), "/variants/main"));
  *variant.mutable_learner() = *std::move(resolved);
  return spec;
}

}  // namespace

ModelRegistry::ModelRegistry(const RuntimeEnvironment& environment)
    : environment_(environment), models_(std::make_shared<const ModelMap>()) {}

absl::StatusOr<std::unique_ptr<ModelRegistry>> ModelRegistry::Open(
    const RuntimeEnvironment& environment) {
  absl::StatusOr<std::vector<std::string>> ids = environment.data_dir.ListModels();
  if (!ids.ok()) return ids.status();
  auto models = std::make_shared<ModelMap>();
  for (const std::string& id : *ids) {
    absl::StatusOr<std::shared_ptr<ModelRuntime>> model = RecoverModel(environment, id);
    if (!model.ok()) return model.status();
    models->emplace(id, *std::move(model));
  }
  std::unique_ptr<ModelRegistry> registry(new ModelRegistry(environment));
  registry->models_.store(std::move(models));
  return registry;
}

absl::StatusOr<std::shared_ptr<ModelRuntime>> ModelRegistry::Find(std::string_view model_id) const {
  const std::shared_ptr<const ModelMap> models = models_.load();
  const auto found = models->find(model_id);
  if (found != models->end()) return found->second;
  return absl::NotFoundError(StrCat("model \"", model_id, "\" not found; create it with 'freshet ",
                                    "models create ", model_id, "'"));
}

absl::StatusOr<std::shared_ptr<ModelRuntime>> ModelRegistry::Create(std::string_view model_id,
                                                                    const v1::Model& requested) {
  absl::MutexLock lock(&change_mu_);
  const std::shared_ptr<const ModelMap> models = models_.load();
  if (models->contains(model_id)) {
    return absl::AlreadyExistsError(StrCat("model \"", model_id, "\" exists; see it with 'freshet ",
                                           "models describe ", model_id, "'"));
  }
  if (models->size() >= environment_.max_models) {
    return absl::ResourceExhaustedError(StrCat("the server has ", environment_.max_models,
                                               " models, its limit (limits.max_models); delete "
                                               "one first"));
  }
  absl::StatusOr<v1::Model> spec = MakeSpec(model_id, requested, environment_.clock());
  if (!spec.ok()) return spec.status();
  if (absl::Status status = environment_.data_dir.CreateModel(model_id, FormatManifest(*spec));
      !status.ok()) {
    return status;
  }
  absl::StatusOr<std::shared_ptr<ModelRuntime>> recovered =
      RecoverModel(environment_, std::string(model_id));
  if (!recovered.ok()) {  // No memory for its tables, most likely.
    const absl::Status deleted = environment_.data_dir.DeleteModel(model_id);
    if (!deleted.ok()) spdlog::error("event=cleanup_failed error=\"{}\"", deleted.ToString());
    return recovered.status();
  }
  const std::shared_ptr<ModelRuntime> model = *std::move(recovered);
  auto changed = std::make_shared<ModelMap>(*models);
  changed->emplace(model_id, model);
  models_.store(std::move(changed));
  spdlog::info("event=model_created model={}", model->name());
  return model;
}

absl::Status ModelRegistry::Delete(std::string_view model_id) {
  absl::StatusOr<std::shared_ptr<ModelRuntime>> model = Find(model_id);
  if (!model.ok()) return model.status();
  absl::MutexLock lock(&change_mu_);
  const std::shared_ptr<const ModelMap> models = models_.load();
  if (!models->contains(model_id)) return Find(model_id).status();
  auto changed = std::make_shared<ModelMap>(*models);
  changed->erase(std::string(model_id));
  models_.store(std::move(changed));
  (*model)->pipeline().Close(
      absl::NotFoundError(StrCat("model \"", model_id,
                                 "\" was deleted; what this stream sent last "
                                 "may not have been learned")),
      [] {});
  absl::Status status = environment_.data_dir.DeleteModel(model_id);
  spdlog::info("event=model_deleted model={} status=\"{}\"", (*model)->name(), status.ToString());
  return status;
}

}  // namespace freshet
