#include "client/command/suggest.h"

#include <algorithm>
#include <numeric>

#include "core/base/str_cat.h"

namespace freshet {
namespace {

// The Levenshtein distance: the number of letters to add, remove or replace to turn `a` into `b`.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string DidYouMean(std::string_view name, const std::vector<std::string>& names) {
  const std::string* nearest = nullptr;
  size_t distance = 0;
  for (const std::string& candidate : names) {
    const bool extends = name.size() >= 3 && candidate.find(name) != std::string::npos;
    const size_t this_distance = extends ? 1 : EditDistance(name, candidate);
    if (nearest == nullptr || this_distance < distance) {
      nearest = &candidate;
      distance = this_distance;
    }
  }
  if (nearest == nullptr || distance > std::max<size_t>(1, name.size() / 3)) return "";
  return StrCat(" (did you mean '", *nearest, "'?)");
}

}  // namespace freshet
