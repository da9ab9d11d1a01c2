// How the features of an example are transformed before a learner sees them. v1.FeatureSpec
// documents the ranges of the options; the code that fills these structs has checked them.

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
  std::string name_space;  // kEveryNamespace: all that no other transform names.
  NumericKind kind = NumericKind::kRaw;
  uint32_t bins = 16;  // 2 to 256; only for kQuantileBins.
};

struct NgramOptions {
  std::string name_space;  // kEveryNamespace: all that no other NgramOptions names.
  uint32_t length = 2;     // 2 to 8: length of the longest n-gram.
  uint32_t skips = 0;      // 0 to 8: how many features an n-gram may skip in total.
};

struct FeatureOptions {
  // Whether the options create features in addition to those that were sent.
  bool adds_features() const { return !interactions.empty() || !ngrams.empty(); }
  // Whether features are learned exactly as they were sent.
  bool empty() const {
    return !adds_features() && numerics.empty() && admit_after <= 1 && expire_after_examples == 0;
  }

  std::vector<InteractionOptions> interactions;
  std::vector<NumericOptions> numerics;  // At most one per namespace.
  std::vector<NgramOptions> ngrams;      // At most one per namespace.
  uint32_t admit_after = 0;  // 0 to 127: a feature is learned from this sighting on; 0, 1: always.
  uint64_t expire_after_examples = 0;  // A weight not seen for this long is forgotten; 0: never.
};

}  // namespace freshet

#endif  // FRESHET_CORE_FEATURE_FEATURE_OPTIONS_H_
