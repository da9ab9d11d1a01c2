#include "core/cli/suggest.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

// `name` in the form in which names are compared: without leading dashes, in lower case, and with
// '_' for '-'.
std::string Folded(std::string_view name) {
  name.remove_prefix(std::min(name.find_first_not_of('-'), name.size()));
  std::string folded(name);
  for (char& c : folded) c = c == '-' ? '_' : absl::ascii_tolower(static_cast<unsigned char>(c));
  return folded;
}

// The optimal string alignment distance: the number of letters to add, remove or replace, or of
// neighbours to swap, to turn `a` into `b`.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> distance(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        distance[i][j] = i + j;
        continue;
      }
      const size_t replaced = distance[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      distance[i][j] = std::min({replaced, distance[i - 1][j] + 1, distance[i][j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        distance[i][j] = std::min(distance[i][j], distance[i - 2][j - 2] + 1);
      }
    }
  }
  return distance[a.size()][b.size()];
}

// The first letters of the words of a name: "lr" of "learning_rate".
std::string Initials(std::string_view name) {
  std::string initials;
  for (size_t i = 0; i < name.size(); ++i) {
    if (i == 0 || name[i - 1] == '_') initials += name[i];
  }
  return initials;
}

// How far `candidate` is from `name`, both folded; nullopt if it is too far to be what was meant.
// In a short name each letter says a lot: one of three letters may be wrong, but none of two.
std::optional<size_t> Distance(std::string_view name, std::string_view candidate) {
  if (name == candidate) return 0;
  const bool abbreviates = name.size() >= 2 && name == Initials(candidate);
  const bool begins = name.size() >= 2 && candidate.starts_with(name);
  const bool part = name.size() >= 3 && candidate.find(name) != std::string_view::npos;
  if (abbreviates || begins || part) return 1;
  const size_t distance = EditDistance(name, candidate);
  if (distance > name.size() / 3) return std::nullopt;
  return distance;
}

size_t CommonPrefix(std::string_view a, std::string_view b) {
  const size_t size = std::min(a.size(), b.size());
  return static_cast<size_t>(std::mismatch(a.begin(), a.begin() + size, b.begin()).first -
                             a.begin());
}

}  // namespace

std::string DidYouMean(std::string_view name, const std::vector<std::string>& names) {
  const std::string folded = Folded(name);
  const std::string* nearest = nullptr;
  std::pair<size_t, size_t> least;  // Distance, then letters of `name` that the start differs in.
  for (const std::string& candidate : names) {
    const std::string other = Folded(candidate);
    const std::optional<size_t> distance = Distance(folded, other);
    if (!distance.has_value()) continue;
    const std::pair rank(*distance, folded.size() - CommonPrefix(folded, other));
    if (nearest == nullptr || rank < least) {
      nearest = &candidate;
      least = rank;
    }
  }
  return nearest == nullptr ? "" : StrCat(" (did you mean '", *nearest, "'?)");
}

std::string NotOneOf(std::string_view what, std::string_view name,
                     const std::vector<std::string>& names) {
  return StrCat("there is no ", what, " '", name, "'", DidYouMean(name, names), "; choose one of ",
                absl::StrJoin(names, ", "));
}

}  // namespace freshet
