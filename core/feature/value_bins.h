// Turns numbers into categories: bin ids, and the transform `log-bins`.

#ifndef FRESHET_CORE_FEATURE_VALUE_BINS_H_
#define FRESHET_CORE_FEATURE_VALUE_BINS_H_

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/base/portable_math.h"
#include "core/feature/hash.h"

namespace freshet {

// The id of the category for a bin of a feature.
inline uint32_t BinId(uint32_t feature_id, uint32_t bin) {
  char bytes[sizeof(bin)];
  std::memcpy(bytes, &bin, sizeof(bin));
  return MurmurHash3({bytes, sizeof(bytes)}, feature_id);
}

// floor(log(|x|)^2), with separate bins for |x| < 1 and for negative numbers: fine for small
// numbers, coarse for large ones. REQUIRES: value is finite.
inline uint32_t LogBin(float value) {
  constexpr uint32_t kZero = 1U << 16;
  constexpr uint32_t kNegative = 1U << 17;
  constexpr uint32_t kBelowOne = 1U << 18;
  if (value == 0) return kZero;
  // Converted to double, even a denormal float is a normal number, as NaturalLog() requires.
  const double log = NaturalLog(std::abs(static_cast<double>(value)));
  const auto size = static_cast<uint32_t>(log * log);
  return size | (value < 0 ? kNegative : 0) | (log < 0 ? kBelowOne : 0);
}

}  // namespace freshet

#endif  // FRESHET_CORE_FEATURE_VALUE_BINS_H_
