#include "client/resource_names.h"

#include "core/base/str_cat.h"

namespace freshet {
namespace {

constexpr std::string_view kModels = "models/";

}  // namespace

std::string ModelName(std::string_view model) {
  if (model.starts_with(kModels)) return std::string(model);
  return StrCat(kModels, model);
}

std::string ModelId(std::string_view model) {
  if (model.starts_with(kModels)) model.remove_prefix(kModels.size());
  return std::string(model);
}

std::string SnapshotName(std::string_view model, std::string_view snapshot) {
  if (snapshot.starts_with(kModels)) return std::string(snapshot);
  return StrCat(ModelName(model), "/snapshots/", snapshot);
}

std::string LastSegment(std::string_view name) {
  const size_t slash = name.rfind('/');
  return std::string(slash == std::string_view::npos ? name : name.substr(slash + 1));
}

}  // namespace freshet
