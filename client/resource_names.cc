#include "client/resource_names.h"

#include <cstddef>

#include "core/base/str_cat.h"
#include "core/base/utf8.h"

namespace freshet {
namespace {

constexpr std::string_view kModels = "models/";

// `name` with U+FFFD in place of bytes that are not UTF-8, which Protobuf would not send. Servers
// have no resources of such names.
std::string Sendable(std::string name) {
  if (IsUtf8(name)) return name;
  std::string clean;
  for (std::string_view rest = name; !rest.empty();) {
    const size_t good = Utf8Size(rest);
    clean += rest.substr(0, good);
    if (good == rest.size()) break;
    clean += "\xef\xbf\xbd";
    rest.remove_prefix(good + 1);
  }
  return clean;
}

}  // namespace

std::string ModelName(std::string_view model) {
  return Sendable(model.starts_with(kModels) ? std::string(model) : StrCat(kModels, model));
}

std::string ModelId(std::string_view model) {
  if (model.starts_with(kModels)) model.remove_prefix(kModels.size());
  return std::string(model);
}

std::string SnapshotName(std::string_view model, std::string_view snapshot) {
  return Sendable(snapshot.starts_with(kModels)
                      ? std::string(snapshot)
                      : StrCat(ModelName(model), "/snapshots/", snapshot));
}

std::string LastSegment(std::string_view name) {
  const size_t slash = name.rfind('/');
  return std::string(slash == std::string_view::npos ? name : name.substr(slash + 1));
}

}  // namespace freshet
