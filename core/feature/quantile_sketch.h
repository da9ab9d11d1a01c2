#ifndef FRESHET_CORE_FEATURE_QUANTILE_SKETCH_H_
#define FRESHET_CORE_FEATURE_QUANTILE_SKETCH_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "core/base/state.h"

namespace freshet {

// Quantiles of a stream of numbers, in memory that grows with the logarithm of its length: about
// 1 kB for each doubling beyond the first 256 numbers. Ranks are right to about 1 % of it.
//
// Items of level h stand for 2^h numbers each. A level that is full is sorted, and every second
// item goes one level up, the first or the second of each pair in turn.
//
// Source: G. Manku, S. Rajagopalan, B. Lindsay. Approximate medians and other quantiles in one pass
// and with limited memory. SIGMOD 1998; the alternation as in Z. Karnin, K. Lang, E. Liberty.
// Optimal quantile approximation in streams. FOCS 2016, there by coin toss.
//
// Not thread-safe.
class QuantileSketch {
 public:
  // REQUIRES: value is finite.
  void Add(float value);

  uint64_t count() const { return count_; }

  // Sets bounds[i] to the number of rank (i + 1) / (bounds.size() + 1), so that they cut the stream
  // into parts of about the same size. REQUIRES: count() > 0.
  void FindQuantiles(std::span<float> bounds) const;

  void SaveState(StateWriter& writer) const;
  // DATA_LOSS where the bytes do not fit. REQUIRES: the sketch is new.
  absl::Status LoadState(StateReader& reader);

 private:
  static constexpr size_t kLevelItems = 256;
  static constexpr size_t kMaxLevels = 55;

  struct Level {
    std::vector<float> items;  // Fewer than kLevelItems, but while one is added.
    bool takes_second = false;
  };

  void Compact(size_t level);

  std::vector<Level> levels_;
  uint64_t count_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_CORE_FEATURE_QUANTILE_SKETCH_H_
