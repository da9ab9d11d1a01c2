#include "core/feature/interactions.h"

#include <algorithm>
#include <set>
#include <string>

#include "core/feature/hash.h"

namespace freshet {
namespace {

constexpr uint32_t kPrime = 16777619;  // The prime of the FNV-1 hash.

// Appends the combinations of one feature each of segments[0], ..., segments[size - 1]. `hash` and
// `value` are those of the features already chosen from earlier segments. Features of segments[0]
// before `first` are skipped, so that combinations with repetition come only once.
void AppendProduct(const FeatureSegment* const* segments, size_t size, size_t first, uint32_t hash,
                   float value, FeatureColumns& columns) {
  const FeatureSegment& segment = *segments[0];
  if (size == 1) {
    const size_t made = columns.size();
    const size_t count = columns.Grow(segment.end - first);
    const uint32_t* const ids = columns.ids() + first;
    const float* const values = columns.values() + first;
    for (size_t i = 0; i < count; ++i) {
      columns.ids()[made + i] = hash ^ ids[i];
      columns.values()[made + i] = value * values[i];
    }
    return;
  }
  const bool same = segments[1] == segments[0];
  for (size_t i = first; i < segment.end && !columns.is_cut(); ++i) {
    AppendProduct(segments + 1, size - 1, same ? i : segments[1]->begin,
                  (hash ^ columns.ids()[i]) * kPrime, value * columns.values()[i], columns);
  }
}

// The number of combinations with repetition of `size` out of `count` things.
uint64_t CountMultisets(uint64_t count, uint64_t size) {
  uint64_t result = 1;
  for (uint64_t i = 0; i < size; ++i) result = result * (count + i) / (i + 1);
  return result;
}

}  // namespace

Interactions::Interactions(std::span<const InteractionOptions> options) {
  for (const InteractionOptions& option : options) {
    const Pattern pattern = MakePattern(option);
    const auto asks_for_it = [&](const Pattern& other) {
      return Matches(other, std::span(pattern.hashes).first(pattern.size));
    };
    // What a pattern with wildcards matches is known only once the segments are: see VisitWild().
    if (pattern.has_wildcards || std::none_of(patterns_.begin(), patterns_.end(), asks_for_it)) {
      patterns_.push_back(pattern);
    }
  }
}

Interactions::Pattern Interactions::MakePattern(const InteractionOptions& option) {
  std::vector<std::string> names = option.namespaces;
  const bool has_wildcards = std::find(names.begin(), names.end(), kEveryNamespace) != names.end();
  const std::set<std::string> distinct(names.begin(), names.end());
  if (!has_wildcards && distinct.size() < names.size()) std::sort(names.begin(), names.end());
  Pattern pattern;
  pattern.has_wildcards = has_wildcards;
  for (const std::string& name : names) {
    pattern.is_wildcard[pattern.size] = name == kEveryNamespace;
    pattern.hashes[pattern.size] = name == kEveryNamespace ? 0 : HashNamespace(name);
    ++pattern.size;
  }
  return pattern;
}

bool Interactions::Matches(const Pattern& pattern, std::span<const uint32_t> hashes) {
  if (pattern.size != hashes.size()) return false;
  std::array<bool, kMaxSize> taken{};
  for (size_t i = 0; i < pattern.size; ++i) {
    if (pattern.is_wildcard[i]) continue;
    size_t found = 0;
    while (found < hashes.size() && (taken[found] || hashes[found] != pattern.hashes[i])) ++found;
    if (found == hashes.size()) return false;
    taken[found] = true;
  }
  return true;
}

template <typename Visit>
bool Interactions::VisitAll(std::span<const FeatureSegment> segments, const Visit& visit) const {
  Combination combination{};
  for (size_t i = 0; i < patterns_.size(); ++i) {
    if (!VisitPattern(i, segments, combination, 0, 0, visit)) return false;
  }
  return true;
}

template <typename Visit>
bool Interactions::VisitPattern(size_t index, std::span<const FeatureSegment> segments,
                                Combination& combination, size_t known, size_t first_wild,
                                const Visit& visit) const {
  const Pattern& pattern = patterns_[index];
  if (known == pattern.size) {
    return pattern.has_wildcards ? VisitWild(index, segments, combination, visit)
                                 : visit(combination, pattern.size);
  }
  if (pattern.is_wildcard[known]) {
    for (size_t i = first_wild; i < segments.size(); ++i) {
      combination[known] = i;
      if (!VisitPattern(index, segments, combination, known + 1, i, visit)) return false;
    }
    return true;
  }
  const auto is_before = [](const FeatureSegment& segment, uint32_t hash) {
    return segment.namespace_hash < hash;
  };
  const uint32_t hash = pattern.hashes[known];
  const auto found = std::lower_bound(segments.begin(), segments.end(), hash, is_before);
  if (found == segments.end() || found->namespace_hash != hash) return true;
  combination[known] = static_cast<size_t>(found - segments.begin());
  return VisitPattern(index, segments, combination, known + 1, first_wild, visit);
}

template <typename Visit>
bool Interactions::VisitWild(size_t index, std::span<const FeatureSegment> segments,
                             Combination combination, const Visit& visit) const {
  const size_t size = patterns_[index].size;
  std::array<uint32_t, kMaxSize> hashes{};
  for (size_t i = 0; i < size; ++i) hashes[i] = segments[combination[i]].namespace_hash;
  for (size_t i = 0; i < index; ++i) {
    if (Matches(patterns_[i], std::span(hashes).first(size))) return true;
  }
  Combination sorted = combination;
  std::sort(sorted.begin(), sorted.begin() + size);
  const bool repeats = std::adjacent_find(sorted.begin(), sorted.begin() + size) !=
                       sorted.begin() + static_cast<ptrdiff_t>(size);
  return visit(repeats ? sorted : combination, size);
}

void Interactions::Append(std::span<const FeatureSegment> segments, FeatureColumns& columns) const {
  VisitAll(segments, [&](const Combination& combination, size_t size) {
    std::array<const FeatureSegment*, kMaxSize> chosen{};
    for (size_t i = 0; i < size; ++i) chosen[i] = &segments[combination[i]];
    AppendProduct(chosen.data(), size, chosen[0]->begin, 0, 1, columns);
    return !columns.is_cut();
  });
}

uint64_t Interactions::Count(std::span<const FeatureSegment> segments, uint64_t enough) const {
  uint64_t total = 0;
  VisitAll(segments, [&](const Combination& combination, size_t size) {
    double count = 1;  // A product of four sizes may overflow an integer.
    for (size_t i = 0; i < size;) {
      size_t same = 1;
      while (i + same < size && combination[i + same] == combination[i]) ++same;
      count *= static_cast<double>(CountMultisets(segments[combination[i]].size(), same));
      i += same;
    }
    total += count < 1e18 ? static_cast<uint64_t>(count) : uint64_t{1} << 60;
    return total <= enough;
  });
  return total;
}

}  // namespace freshet
