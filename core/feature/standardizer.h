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

// Turns the numbers of one namespace into (x - mean) / deviation, the mean and the standard
// deviation (of the population) being those of the examples seen so far.
//
// A number is a feature that has ever had a value other than 1 (other features are categories, and
// stay as they are). An example that leaves a number out has the value 0 of it, as everywhere; so
// every example has every number. Numbers are kept in the order in which they came, up to
// FeatureIndex::kCapacity; those beyond are left out of examples, whose rows are then cut. A number
// whose values have all been the same so far is 0; none is taken for more than kMaxDeviations
// deviations.
//
// Source: B. P. Welford. Note on a Method for Calculating Corrected Sums of Squares and Products.
// Technometrics, 1962.
//
// Threads: one writer calls the non-const methods and SaveState() while any number of readers call
// Append().
class Standardizer {
 public:
  static constexpr double kMaxDeviations = 100;

  // Adds to the open row what becomes of a namespace's features. `values` may be empty: all 1.
  // `sums` is scratch.
  void Append(std::span<const uint32_t> ids, std::span<const float> values,
              std::vector<double>& sums, FeatureColumns& columns) const;

  // What becomes of them where the namespace has no numbers yet, or cannot have any.
  static void AppendUnknown(std::span<const uint32_t> ids, std::span<const float> values,
                            FeatureColumns& columns);

  // Takes an example into account: the `count`th of the stream, from 1. REQUIRES: values
  // are finite.
  void Observe(std::span<const uint32_t> ids, std::span<const float> values, uint64_t count,
               std::vector<double>& sums);

  void SaveState(StateWriter& writer) const;
  // DATA_LOSS where the bytes do not fit. REQUIRES: the object is new and has no readers.
  absl::Status LoadState(StateReader& reader);

 private:
  struct Number {
    std::atomic<double> mean{0};
    std::atomic<double> inverse_deviation{0};  // 0 where there is no deviation.
    double variance = 0;                       // The writer's own.
  };

  static void AppendUnknown(uint32_t id, float value, FeatureColumns& columns);
  void SetVariance(Number& number, double variance);

  FeatureIndex index_;
  std::array<Number, FeatureIndex::kCapacity> numbers_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_FEATURE_STANDARDIZER_H_
