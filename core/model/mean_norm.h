// The mean norm of examples: roughly, how many features of full size an example has on average.

#ifndef FRESHET_CORE_MODEL_MEAN_NORM_H_
#define FRESHET_CORE_MODEL_MEAN_NORM_H_

#include <cmath>

#include "absl/status/status.h"
#include "core/base/state.h"

namespace freshet {

// The norm of an example is the sum of (x / s)^2 over its features, where s is the largest |x| of
// the feature so far. Not thread-safe.
class MeanNorm {
 public:
  struct Sums {
    double norm;
    double weight;
  };

  // The sums with one more example. REQUIRES: norm >= 0, weight > 0.
  Sums With(double norm, double weight) const {
    return {.norm = sums_.norm + weight * norm, .weight = sums_.weight + weight};
  }
  void Set(const Sums& sums) { sums_ = sums; }

  const Sums& sums() const { return sums_; }

  void SaveState(StateWriter& writer) const {
    writer.WriteValue(sums_.norm);
    writer.WriteValue(sums_.weight);
  }

  // DATA_LOSS if the saved state is invalid.
  absl::Status LoadState(StateReader& reader) {
    const auto norm_sum = reader.ReadValue<double>();
    const auto weight_sum = reader.ReadValue<double>();
    if (!reader.status().ok()) return reader.status();
    if (!(norm_sum >= 0 && norm_sum <= kMaxSum && weight_sum >= 0 && weight_sum <= kMaxSum)) {
      return reader.Damaged("the mean norm of the learner is out of range");
    }
    Set({.norm = norm_sum, .weight = weight_sum});
    return absl::OkStatus();
  }

 private:
  static constexpr double kMaxSum = 1e100;  // Far above any possible sum.

  Sums sums_{};
};

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_MEAN_NORM_H_
