// Sums of losses, predictions and labels over some examples.

#ifndef FRESHET_CORE_METRICS_LOSS_SUMS_H_
#define FRESHET_CORE_METRICS_LOSS_SUMS_H_

#include <cmath>
#include <cstdint>

#include "core/base/state.h"

namespace freshet {

// Sums over some examples, each multiplied by its weight. Saved states contain this struct as is,
// so its layout must not change.
struct LossSums {
  uint64_t example_count = 0;
  double weight = 0;
  double loss = 0;
  double base_rate_loss = 0;
  double prediction = 0;
  double label = 0;

  LossSums& operator+=(const LossSums& other) {
    example_count += other.example_count;
    weight += other.weight;
    loss += other.loss;
    base_rate_loss += other.base_rate_loss;
    prediction += other.prediction;
    label += other.label;
    return *this;
  }

  // Whether sums read from a saved state are plausible.
  bool IsValid() const {
    return IsSum(weight) && IsSum(loss) && IsSum(base_rate_loss) && std::isfinite(prediction) &&
           std::isfinite(label);
  }
};

}  // namespace freshet

#endif  // FRESHET_CORE_METRICS_LOSS_SUMS_H_
