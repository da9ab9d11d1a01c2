#include "server/http/api_route.h"

#include "core/base/str_cat.h"

namespace freshet {
namespace {

constexpr ApiRoute kRoutes[] = {
    {"GET", "/v1/models", "freshet.v1.ModelService.ListModels", ""},
    {"POST", "/v1/models", "freshet.v1.ModelService.CreateModel", "*"},
    {"GET", "/v1/{name=models/*}", "freshet.v1.ModelService.GetModel", ""},
    {"PATCH", "/v1/{model.name=models/*}", "freshet.v1.ModelService.UpdateModel", "model"},
    {"DELETE", "/v1/{name=models/*}", "freshet.v1.ModelService.DeleteModel", ""},
    {"GET", "/v1/{name=models/*}:digest", "freshet.v1.ModelService.ComputeDigest", ""},
    {"POST", "/v1/{model=models/*}:predict", "freshet.v1.LearningService.Predict", "*"},
    {"POST", "/v1/{model=models/*}:learn", "freshet.v1.LearningService.Learn", "*"},
    {"GET", "/v1/{model=models/*}:producer", "freshet.v1.LearningService.GetProducer", ""},
    {"GET", "/v1/{parent=models/*}/snapshots", "freshet.v1.ModelService.ListSnapshots", ""},
    {"POST", "/v1/{parent=models/*}/snapshots", "freshet.v1.ModelService.CreateSnapshot", "*"},
    {"GET", "/v1/{name=models/*/snapshots/*}", "freshet.v1.ModelService.GetSnapshot", ""},
    {"DELETE", "/v1/{name=models/*/snapshots/*}", "freshet.v1.ModelService.DeleteSnapshot", ""},
    {"POST", "/v1/{name=models/*/snapshots/*}:restore", "freshet.v1.ModelService.RestoreSnapshot",
     "*"},
    {"GET", "/v1/{new_name=models/*/snapshots/*}:compare",
     "freshet.v1.StatsService.CompareSnapshots", ""},
    {"GET", "/v1/{name=models/*}/weights", "freshet.v1.StatsService.ListTopWeights", ""},
    {"GET", "/v1/{name=models/*/variants/*}/weights", "freshet.v1.StatsService.ListTopWeights", ""},
    {"POST", "/v1/{name=models/*}:explain", "freshet.v1.StatsService.Explain", "*"},
    {"POST", "/v1/{name=models/*/variants/*}:explain", "freshet.v1.StatsService.Explain", "*"},
};

// Removes the part before the next slash, and the slash, and returns the part.
std::string_view TakePart(std::string_view& rest) {
  const size_t slash = rest.find('/');
  const std::string_view part = rest.substr(0, slash);
  rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  return part;
}

bool MatchPattern(std::string_view pattern, std::string_view value) {
  while (!pattern.empty() && !value.empty()) {
    const std::string_view expected = TakePart(pattern);
    const std::string_view part = TakePart(value);
    const bool any = expected == "*" && part.find(':') == std::string_view::npos;
    if (part.empty() || (!any && part != expected)) return false;
  }
  return pattern.empty() && value.empty();
}

}  // namespace

std::span<const ApiRoute> ApiRoutes() { return kRoutes; }

std::optional<PathField> MatchPath(std::string_view path_template, std::string_view path) {
  const size_t open = path_template.find('{');
  if (open == std::string_view::npos) {
    return path == path_template ? std::make_optional(PathField()) : std::nullopt;
  }
  const size_t equals = path_template.find('=');
  const size_t close = path_template.find('}');
  const std::string_view prefix = path_template.substr(0, open);
  const std::string_view suffix = path_template.substr(close + 1);
  if (path.size() <= prefix.size() + suffix.size() || !path.starts_with(prefix) ||
      !path.ends_with(suffix)) {
    return std::nullopt;
  }
  path.remove_prefix(prefix.size());
  path.remove_suffix(suffix.size());
  if (path.ends_with('/') ||
      !MatchPattern(path_template.substr(equals + 1, close - equals - 1), path)) {
    return std::nullopt;
  }
  return PathField{std::string(path_template.substr(open + 1, equals - open - 1)),
                   std::string(path)};
}

ApiMatch MatchRoute(std::string_view method, std::string_view path) {
  ApiMatch match;
  for (const ApiRoute& route : kRoutes) {
    std::optional<PathField> field = MatchPath(route.path, path);
    if (!field) continue;
    if (route.method == method) return {&route, *std::move(field), ""};
    match.allowed_methods += StrCat(match.allowed_methods.empty() ? "" : ", ", route.method);
    if (route.method == "GET") match.allowed_methods += ", HEAD";
  }
  return match;
}

}  // namespace freshet
