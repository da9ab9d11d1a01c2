// The numeric transform `quantile-bins`.

#ifndef FRESHET_CORE_FEATURE_QUANTILE_BINS_H_
#define FRESHET_CORE_FEATURE_QUANTILE_BINS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "core/base/state.h"
#include "core/feature/feature_columns.h"
#include "core/feature/feature_index.h"
#include "core/feature/quantile_sketch.h"

namespace freshet {

// Turns the numbers of one namespace into categories. The values of a feature seen so far are
// divided into `bins` bins of about equal size, and a value becomes the bin that it falls into.
//
// A number is a feature that has ever had a value other than 0 and 1; other features are already
// categories, and stay as they are. At most FeatureIndex::kCapacity numbers have bins; all values
// of a further number, other than 0 and 1, fall into the same bin. Bin bounds are recomputed each
// time the number of values has grown by an eighth: often at first, then ever more rarely.
//
// Threads: one writer calls the non-const methods and SaveState() while any number of readers call
// Append().
class QuantileBins {
 public:
  explicit QuantileBins(uint32_t bins) : bound_count_(bins - 1) {}

  // Appends the transformed features of a namespace to the open row. Empty `values` means all 1.
  void Append(std::span<const uint32_t> ids, std::span<const float> values,
              FeatureColumns& columns) const;

  // The same for a namespace that has no QuantileBins yet, or cannot have one.
  static void AppendUnknown(std::span<const uint32_t> ids, std::span<const float> values,
                            FeatureColumns& columns);

  // Updates the bins with an example. REQUIRES: values are finite.
  void Observe(std::span<const uint32_t> ids, std::span<const float> values);

  void SaveState(StateWriter& writer) const;
  // DATA_LOSS if the saved state is invalid. REQUIRES: the object is new and has no readers.
  absl::Status LoadState(StateReader& reader);

 private:
  // One feature.
  struct Number {
    explicit Number(size_t bound_count)
        : bounds(std::make_unique<std::atomic<float>[]>(bound_count)) {}

    std::unique_ptr<std::atomic<float>[]> bounds;  // Ascending.
    // Owned by the writer.
    QuantileSketch sketch;
    uint64_t next_move = 1;  // The number of values at which bounds are recomputed next.
  };

  static void AppendUnknown(uint32_t id, float value, FeatureColumns& columns);

  uint32_t BinOf(const Number& number, float value) const;
  Number& Add(uint32_t id);

  const size_t bound_count_;
  FeatureIndex index_;
  // A pointer is constant once index_ has the feature.
  std::array<std::unique_ptr<Number>, FeatureIndex::kCapacity> numbers_;
  std::vector<float> found_bounds_;  // Scratch.
};

}  // namespace freshet

#endif  // FRESHET_CORE_FEATURE_QUANTILE_BINS_H_
