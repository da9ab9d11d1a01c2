// What is made of an example's features before a learner sees them. The ranges of the options stand
// in v1.FeatureSpec; whoever makes them has checked them.

#ifndef FRESHET_CORE_FEATURE_FEATURE_OPTIONS_H_
#define FRESHET_CORE_FEATURE_FEATURE_OPTIONS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace freshet {

// Stands for every namespace.
inline constexpr std::string_view kEveryNamespace = "*";

struct InteractionOptions {
  std::vector<std::string> namespaces;  // 2 to 4; may repeat.
};

enum class NumericKind : uint8_t { kRaw, kLogBins, kQuantileBins, kStandardize };

struct NumericOptions {
  std::string name_space;  // kEveryNamespace: those that no other transform names.
  NumericKind kind = NumericKind::kRaw;
  uint32_t bins = 16;  // 2 to 256; of kQuantileBins.
};

struct NgramOptions {
  std::string name_space;  // kEveryNamespace: those that no other one names.
  uint32_t length = 2;     // 2 to 8: of the longest run.
  uint32_t skips = 0;      // 0 to 8: features that a run may leap over in all.
};

struct FeatureOptions {
  // Whether features are made that were not sent.
  bool adds_features() const { return !interactions.empty() || !ngrams.empty(); }
  // Whether features are learned as they come.
  bool empty() const {
    return !adds_features() && numerics.empty() && admit_after <= 1 && expire_after_examples == 0;
  }

  std::vector<InteractionOptions> interactions;
  std::vector<NumericOptions> numerics;  // At most one a namespace.
  std::vector<NgramOptions> ngrams;      // At most one a namespace.
  uint32_t admit_after = 0;  // 0 to 127: sightings after which a feature is learned; 0, 1: at once.
  uint64_t expire_after_examples = 0;  // 0: never; not seen for this long, a weight is forgotten.
};

}  // namespace freshet

#endif  // FRESHET_CORE_FEATURE_FEATURE_OPTIONS_H_
