// The unit of importance weights.

#ifndef FRESHET_CORE_MODEL_WEIGHT_UNIT_H_
#define FRESHET_CORE_MODEL_WEIGHT_UNIT_H_

#include <algorithm>
#include <cmath>

#include "absl/status/status.h"
#include "core/base/state.h"

namespace freshet {

// Expresses importance weights in units of the stream, so that a learner works the same in whatever
// unit its caller weighs examples. If all weights are equal, each counts as 1. Not thread-safe.
class WeightUnit {
 public:
  struct Counted {
    // How much the example counts for what is learned: its weight in the unit sum of h^2 / sum of h
    // over the weights h up to and including this one. So all examples count as (sum of h)^2 / sum
    // of h^2, which is the number of examples of equal weight that would determine a mean as well
    // (Kish's effective sample size). Both sums decay.
    double relative;
    // Its weight as a share of about the largest one lately: what it may count in a judgement whose
    // bounds hold for weights of at most 1.
    double share;
    // 1, or the old largest weight as a share of the new one: what earlier shares become when
    // `share` is from now on in a larger unit.
    double kept;
  };

  // Counts an example. REQUIRES: weight > 0.
  //
  // Source: L. Kish. Survey Sampling. Wiley, 1965.
  Counted Count(double weight) {
    sum_ = kKept * sum_ + weight;
    square_sum_ = kKept * square_sum_ + weight * weight;
    const double relative = weight * (sum_ / square_sum_);
    recent_ = std::max(kKept * recent_, weight);
    double kept = 1;
    if (weight > largest_) {
      kept = largest_ / weight;
      largest_ = weight;
    } else if (recent_ < largest_ / 2) {
      largest_ = recent_;
    }
    // Rounding errors do not make equal weights differ.
    return {.relative = std::abs(relative - 1) < 1e-9 ? 1 : relative,
            .share = weight / largest_,
            .kept = kept};
  }

  void SaveState(StateWriter& writer) const {
    for (const double number : {sum_, square_sum_, recent_, largest_}) writer.WriteValue(number);
  }

  // DATA_LOSS if the saved state is invalid.
  absl::Status LoadState(StateReader& reader) {
    for (double* const number : {&sum_, &square_sum_, &recent_, &largest_}) {
      *number = reader.ReadValue<double>();
    }
    if (!reader.status().ok()) return reader.status();
    const bool valid = IsSum(sum_) && IsSum(square_sum_) && IsSum(recent_) && IsSum(largest_) &&
                       (sum_ > 0) == (square_sum_ > 0) && recent_ <= largest_;
    if (valid) return absl::OkStatus();
    return reader.Damaged("the unit of weights of the learner is out of range");
  }

 private:
  static constexpr double kKept = 1 - 1e-4;

  double sum_ = 0;
  double square_sum_ = 0;
  double recent_ = 0;  // The largest weight so far, decaying.
  double largest_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_WEIGHT_UNIT_H_
