// Interactions: features that are products of features of several namespaces.

#ifndef FRESHET_CORE_FEATURE_INTERACTIONS_H_
#define FRESHET_CORE_FEATURE_INTERACTIONS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/feature/feature_columns.h"
#include "core/feature/feature_options.h"

namespace freshet {

// Creates features that combine one feature from each of two to four namespaces.
//
// The id is computed from the ids a, b, c, ... as in Vowpal Wabbit: ((a * P) ^ b) * P ^ c ...,
// with P = 16777619; the value is the product of the values. If a namespace is combined with
// itself, each unordered combination occurs once, including that of a feature with itself. If
// several interactions request the same namespaces, these are combined once, as the first of the
// interactions says.
//
// The namespaces of a combination are in the order of the interaction; those that match wildcards
// are in ascending order of their hashes. If a namespace occurs twice in a combination, the
// namespaces are sorted: by name, or by hash if the interaction has wildcards.
//
// Constant after construction; thread-safe.
class Interactions {
 public:
  explicit Interactions(std::span<const InteractionOptions> options);

  bool empty() const { return patterns_.empty(); }

  // Appends the interactions of the open row's segments to the row. REQUIRES: no segment is empty,
  // and segments are in ascending order of namespace_hash.
  void Append(std::span<const FeatureSegment> segments, FeatureColumns& columns) const;

  // How many features Append() would add if rows had no limit; stops counting above `enough`.
  // REQUIRES: as for Append().
  uint64_t Count(std::span<const FeatureSegment> segments, uint64_t enough) const;

 private:
  static constexpr size_t kMaxSize = 4;

  // One interaction. hashes[i] is meaningless if is_wildcard[i].
  struct Pattern {
    size_t size = 0;
    std::array<uint32_t, kMaxSize> hashes{};
    std::array<bool, kMaxSize> is_wildcard{};
    bool has_wildcards = false;
  };

  // The indices of the segments that are combined.
  using Combination = std::array<size_t, kMaxSize>;

  static Pattern MakePattern(const InteractionOptions& option);

  // Whether the pattern matches these namespaces, in some order.
  static bool Matches(const Pattern& pattern, std::span<const uint32_t> hashes);

  // Calls visit(combination, size) for each combination of segments until it returns false. Returns
  // false if visit() did.
  template <typename Visit>
  bool VisitAll(std::span<const FeatureSegment> segments, const Visit& visit) const;
  // The same for one pattern. `combination` already holds the segments of its first `known`
  // namespaces; further wildcards match segments from `first_wild` on.
  template <typename Visit>
  bool VisitPattern(size_t index, std::span<const FeatureSegment> segments,
                    Combination& combination, size_t known, size_t first_wild,
                    const Visit& visit) const;
  // Visits a combination of a pattern with wildcards, unless an earlier pattern matches it too.
  // Sorts the combination first if a namespace occurs twice.
  template <typename Visit>
  bool VisitWild(size_t index, std::span<const FeatureSegment> segments, Combination combination,
                 const Visit& visit) const;

  std::vector<Pattern> patterns_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_FEATURE_INTERACTIONS_H_
