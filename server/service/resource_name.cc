#include "server/service/resource_name.h"

#include "core/base/str_cat.h"
#include "server/file/resource_id.h"

namespace freshet {
namespace {

constexpr std::string_view kModels = "models/";
constexpr std::string_view kSnapshots = "/snapshots/";
constexpr std::string_view kVariants = "/variants/";

}  // namespace

absl::Status CheckResourceId(std::string_view what, std::string_view id) {
  if (IsResourceId(id)) return absl::OkStatus();
  return absl::InvalidArgumentError(StrCat(
      what, " \"", id.substr(0, 2 * kMaxResourceIdSize),
      "\" is not an id: use 1 to 63 characters of a-z, 0-9 and -, begin with a letter and do not "
      "end with -"));
}

absl::StatusOr<std::string> ParseModelName(std::string_view name) {
  if (name.substr(0, kModels.size()) != kModels || !IsResourceId(name.substr(kModels.size()))) {
    return absl::InvalidArgumentError(StrCat("\"", name.substr(0, 2 * kMaxResourceIdSize),
                                             "\" is not the name of a model, such as "
                                             "models/ctr"));
  }
  return std::string(name.substr(kModels.size()));
}

absl::StatusOr<VariantName> ParseVariantName(std::string_view name) {
  const size_t middle = name.find(kVariants);
  absl::StatusOr<std::string> model_id = ParseModelName(name.substr(0, middle));
  if (middle == std::string_view::npos) {
    if (!model_id.ok()) return model_id.status();
    return VariantName{*std::move(model_id), ""};
  }
  const std::string_view variant_id = name.substr(middle + kVariants.size());
  if (model_id.ok() && IsResourceId(variant_id)) {
    return VariantName{*std::move(model_id), std::string(variant_id)};
  }
  return absl::InvalidArgumentError(StrCat("\"", name.substr(0, 3 * kMaxResourceIdSize),
                                           "\" is not the name of a variant, such as "
                                           "models/ctr/variants/main"));
}

absl::StatusOr<SnapshotName> ParseSnapshotName(std::string_view name) {
  const size_t middle = name.find(kSnapshots);
  if (middle != std::string_view::npos) {
    const std::string_view snapshot_id = name.substr(middle + kSnapshots.size());
    absl::StatusOr<std::string> model_id = ParseModelName(name.substr(0, middle));
    if (model_id.ok() && IsResourceId(snapshot_id)) {
      return SnapshotName{*std::move(model_id), std::string(snapshot_id)};
    }
  }
  return absl::InvalidArgumentError(StrCat("\"", name.substr(0, 3 * kMaxResourceIdSize),
                                           "\" is not the name of a snapshot, such as "
                                           "models/ctr/snapshots/s000001"));
}

}  // namespace freshet
