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
    {"POST", "/v1/{model=models/*}:feedback", "freshet.v1.LearningService.Feedback", "*"},
    {"GET", "/v1/{parent=models/*}/events", "freshet.v1.EventService.ListEvents", ""},
    {"GET", "/v1/{parent=models/*}/events/{event_id=*}", "freshet.v1.EventService.GetEvent", ""},
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

// Matches a template that ends in `/{field=*}`, where `open` is the place of its last brace.
std::optional<std::vector<PathField>> MatchLastPart(std::string_view path_template, size_t open,
                                                    std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos || slash + 1 == path.size()) return std::nullopt;
  auto fields = MatchPath(path_template.substr(0, open - 1), path.substr(0, slash));
  if (!fields) return std::nullopt;
  const size_t equals = path_template.find('=', open);
  fields->push_back({.field = std::string(path_template.substr(open + 1, equals - open - 1)),
                     .value = std::string(path.substr(slash + 1)),
                     .any_text = true});
  return fields;
}

}  // namespace

std::span<const ApiRoute> ApiRoutes() { return kRoutes; }

std::optional<std::vector<PathField>> MatchPath(std::string_view path_template,
                                                std::string_view path) {
  const size_t open = path_template.find('{');
  if (open == std::string_view::npos) {
    return path == path_template ? std::make_optional(std::vector<PathField>()) : std::nullopt;
  }
  if (const size_t last = path_template.rfind('{'); last != open) {
    return MatchLastPart(path_template, last, path);
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
  return std::vector<PathField>{
      {std::string(path_template.substr(open + 1, equals - open - 1)), std::string(path)}};
}

ApiMatch MatchRoute(std::string_view method, std::string_view path) {
  ApiMatch match;
  for (const ApiRoute& route : kRoutes) {
    std::optional<std::vector<PathField>> fields = MatchPath(route.path, path);
    if (!fields) continue;
    if (route.method == method) return {&route, *std::move(fields), ""};
    match.allowed_methods += StrCat(match.allowed_methods.empty() ? "" : ", ", route.method);
    if (route.method == "GET") match.allowed_methods += ", HEAD";
  }
  return match;
}

}  // namespace freshet
