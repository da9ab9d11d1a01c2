// How many features of full size an example has, on the mean.

#ifndef FRESHET_CORE_MODEL_MEAN_NORM_H_
#define FRESHET_CORE_MODEL_MEAN_NORM_H_

#include <atomic>
#include <cmath>

#include "absl/status/status.h"
#include "core/base/state.h"

namespace freshet {

// The norm of an example is the sum of (x / s)^2 over its features, s being the largest |x| seen of
// each. Threads: one writer, any number of readers.
class MeanNorm {
 public:
  struct Sums {
    double norm;
    double weight;
  };

  // The sums with one more example. REQUIRES: norm >= 0, weight > 0.
  Sums With(double norm, double weight) const {
    return {.norm = norm_sum() + weight * norm, .weight = weight_sum() + weight};
  }
  // For the writer.
  void Set(const Sums& sums) {
    norm_sum_.store(sums.norm, std::memory_order_relaxed);
    weight_sum_.store(sums.weight, std::memory_order_relaxed);
  }

  double norm_sum() const { return norm_sum_.load(std::memory_order_relaxed); }
  double weight_sum() const { return weight_sum_.load(std::memory_order_relaxed); }

  void SaveState(StateWriter& writer) const {
    writer.WriteValue(norm_sum());
    writer.WriteValue(weight_sum());
  }

  // DATA_LOSS where the bytes do not fit.
  absl::Status LoadState(StateReader& reader) {
    const auto norm_sum = reader.ReadValue<double>();
    const auto weight_sum = reader.ReadValue<double>();
    if (!reader.status().ok()) return reader.status();
    if (!(norm_sum >= 0 && norm_sum <= kMaxSum && weight_sum >= 0 && weight_sum <= kMaxSum)) {
      return absl::DataLossError("the saved learner has an impossible mean norm");
    }
    Set({.norm = norm_sum, .weight = weight_sum});
    return absl::OkStatus();
  }

 private:
  static constexpr double kMaxSum = 1e100;  // Far above what weights can add up to.

  std::atomic<double> norm_sum_{0};
  std::atomic<double> weight_sum_{0};
};

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_MEAN_NORM_H_
