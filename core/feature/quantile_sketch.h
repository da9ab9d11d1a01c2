// Approximate quantiles of a stream in little memory.

#ifndef FRESHET_CORE_FEATURE_QUANTILE_SKETCH_H_
#define FRESHET_CORE_FEATURE_QUANTILE_SKETCH_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "core/base/state.h"

namespace freshet {

// Estimates quantiles of a stream of numbers in memory that grows with the logarithm of the
// stream's length: about 1 kB for each doubling beyond the first 256 numbers. Ranks are accurate to
// about 1 % of the length.
//
// Each item of level h stands for 2^h numbers. When a level is full it is sorted and emptied, and
// every second item moves up one level: by turns the first or the second of each pair.
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

  // Sets bounds[i] to the quantile (i + 1) / (bounds.size() + 1), so that the bounds divide the
  // stream into parts of about equal size. REQUIRES: count() > 0.
  void FindQuantiles(std::span<float> bounds) const;

  void SaveState(StateWriter& writer) const;
  // DATA_LOSS if the saved state is invalid. REQUIRES: the sketch is new.
  absl::Status LoadState(StateReader& reader);

 private:
  static constexpr size_t kLevelItems = 256;
  static constexpr size_t kMaxLevels = 55;

  struct Level {
    std::vector<float> items;   // Fewer than kLevelItems, except during Add().
    bool takes_second = false;  // Which item of each pair moves up next time.
  };

  void Compact(size_t level);

  std::vector<Level> levels_;
  uint64_t count_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_CORE_FEATURE_QUANTILE_SKETCH_H_
