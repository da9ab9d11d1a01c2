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

// Features made of one feature of each of two to four namespaces.
//
// The id is made of the ids a, b, c, ... as Vowpal Wabbit does: ((a * P) ^ b) * P ^ c ...,
// P = 16777619; the value is the product of the values. Of a namespace with itself each unordered
// combination comes once, that of a feature with itself included. Namespaces are combined once,
// however many interactions ask for them, as the first of these says.
//
// They stand in the order of the interaction, those that wildcards stand for in the order of their
// hashes. Where one occurs twice, they are sorted: by name, or by hash where wildcards take part.
//
// Constant after construction; thread-safe.
class Interactions {
 public:
  explicit Interactions(std::span<const InteractionOptions> options);

  bool empty() const { return patterns_.empty(); }

  // Adds to the open row what is made of its segments. REQUIRES: none of them is empty, and they
  // rise by namespace_hash.
  void Append(std::span<const FeatureSegment> segments, FeatureColumns& columns) const;

  // How many features that would be without any limit; stops counting above `enough`. REQUIRES: as
  // for Append().
  uint64_t Count(std::span<const FeatureSegment> segments, uint64_t enough) const;

 private:
  static constexpr size_t kMaxSize = 4;

  // One interaction. A hash is that of a name, or nothing where a wildcard stands.
  struct Pattern {
    size_t size = 0;
    std::array<uint32_t, kMaxSize> hashes{};
    std::array<bool, kMaxSize> is_wildcard{};
    bool has_wildcards = false;
  };

  // Segments that are combined, as indices.
  using Combination = std::array<size_t, kMaxSize>;

  static Pattern MakePattern(const InteractionOptions& option);

  // Whether the pattern asks for the namespaces, in some order.
  static bool Matches(const Pattern& pattern, std::span<const uint32_t> hashes);

  // Calls visit(combination, size) for each combination of segments until it returns false. Returns
  // whether it never did.
  template <typename Visit>
  bool VisitAll(std::span<const FeatureSegment> segments, const Visit& visit) const;
  // The same for one pattern, of which `combination` has the first `known` segments; wildcards
  // stand for segments from `first_wild` on.
  template <typename Visit>
  bool VisitPattern(size_t index, std::span<const FeatureSegment> segments,
                    Combination& combination, size_t known, size_t first_wild,
                    const Visit& visit) const;
  // Visits a combination of a pattern with wildcards, sorted where that is due, unless a pattern
  // before it asks for it too.
  template <typename Visit>
  bool VisitWild(size_t index, std::span<const FeatureSegment> segments, Combination combination,
                 const Visit& visit) const;

  std::vector<Pattern> patterns_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_FEATURE_INTERACTIONS_H_
