// The numeric transform `standardize`.

#ifndef FRESHET_CORE_FEATURE_STANDARDIZER_H_
#define FRESHET_CORE_FEATURE_STANDARDIZER_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "core/base/state.h"
#include "core/feature/feature_columns.h"
#include "core/feature/feature_index.h"

namespace freshet {

// Turns the numbers of one namespace into (x - mean) / deviation, where the mean and the
// (population) standard deviation are those of the examples seen so far.
//
// A number is a feature that has ever had a value other than 0 and 1; other features are
// categories, and stay as they are. An example that leaves a number out has the value 0 for it, as
// everywhere, so every example has every number. Numbers are kept in the order in which they first
// came, up to FeatureIndex::kCapacity; further numbers are left out of examples, whose rows are
// then cut. A number whose values have all been the same so far becomes 0. Results are clamped to
// kMaxDeviations either way.
//
// Source: B. P. Welford. Note on a Method for Calculating Corrected Sums of Squares and Products.
// Technometrics, 1962.
//
// Threads: one writer calls the non-const methods and SaveState() while any number of readers call
// Append().
class Standardizer {
 public:
  static constexpr double kMaxDeviations = 100;

  // Appends the transformed features of a namespace to the open row. Empty `values` means all 1.
  // `sums` is scratch.
  void Append(std::span<const uint32_t> ids, std::span<const float> values,
              std::vector<double>& sums, FeatureColumns& columns) const;

  // The same for a namespace that has no Standardizer yet, or cannot have one.
  static void AppendUnknown(std::span<const uint32_t> ids, std::span<const float> values,
                            FeatureColumns& columns);

  // Updates means and deviations with an example, which is the `count`th of the stream, counting
  // from 1. REQUIRES: values are finite.
  void Observe(std::span<const uint32_t> ids, std::span<const float> values, uint64_t count,
               std::vector<double>& sums);

  void SaveState(StateWriter& writer) const;
  // DATA_LOSS if the saved state is invalid. REQUIRES: the object is new and has no readers.
  absl::Status LoadState(StateReader& reader);

 private:
  struct Number {
    std::atomic<double> mean{0};
    std::atomic<double> inverse_deviation{0};  // 0 if there is no deviation.
    double variance = 0;                       // Owned by the writer.
  };

  static void AppendUnknown(uint32_t id, float value, FeatureColumns& columns);
  void SetVariance(Number& number, double variance);

  FeatureIndex index_;
  std::array<Number, FeatureIndex::kCapacity> numbers_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_FEATURE_STANDARDIZER_H_
