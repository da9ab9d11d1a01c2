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

// Turns the numbers of one namespace into categories: which of `bins` parts of about the same size,
// of the values seen so far of the feature, a value falls into.
//
// A number is a feature that has ever had a value other than 1 (other features are categories
// already, and stay as they are). Up to FeatureIndex::kCapacity numbers have bins; the values of
// those beyond make no difference. Bins move while they are young, and more and more rarely: each
// time the number of values has grown by an eighth.
//
// Threads: one writer calls the non-const methods and SaveState() while any number of readers call
// Append().
class QuantileBins {
 public:
  explicit QuantileBins(uint32_t bins) : bound_count_(bins - 1) {}

  // Adds to the open row what becomes of a namespace's features. `values` may be empty: all 1.
  void Append(std::span<const uint32_t> ids, std::span<const float> values,
              FeatureColumns& columns) const;

  // What becomes of them where the namespace has no numbers yet, or cannot have any.
  static void AppendUnknown(std::span<const uint32_t> ids, std::span<const float> values,
                            FeatureColumns& columns);

  // Takes an example into account. REQUIRES: values are finite.
  void Observe(std::span<const uint32_t> ids, std::span<const float> values);

  void SaveState(StateWriter& writer) const;
  // DATA_LOSS where the bytes do not fit. REQUIRES: the object is new and has no readers.
  absl::Status LoadState(StateReader& reader);

 private:
  // One feature.
  struct Number {
    explicit Number(size_t bound_count)
        : bounds(std::make_unique<std::atomic<float>[]>(bound_count)) {}

    std::unique_ptr<std::atomic<float>[]> bounds;  // Rising.
    // The writer's own.
    QuantileSketch sketch;
    uint64_t next_move = 1;  // The count at which bounds move next.
  };

  static void AppendUnknown(uint32_t id, float value, FeatureColumns& columns);

  uint32_t BinOf(const Number& number, float value) const;
  Number& Add(uint32_t id);

  const size_t bound_count_;
  FeatureIndex index_;
  // Constant from when index_ has the feature.
  std::array<std::unique_ptr<Number>, FeatureIndex::kCapacity> numbers_;
  std::vector<float> found_bounds_;  // Scratch.
};

}  // namespace freshet

#endif  // FRESHET_CORE_FEATURE_QUANTILE_BINS_H_
