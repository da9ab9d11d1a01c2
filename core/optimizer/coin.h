// Coin betting: each weight bets its wealth on the sign of the next gradient. There is no learning
// rate. The rule finds the scales of features by itself, and after a drift the bets change sides.
//
//   w = (alpha + W) z / (M X (M X + A))
//   score = sum of w x / mean of sum of (x / X)^2
//   X = max(X, |x|);  M = max(M, beta, |g|);  recompute w as above
//   z -= g x;  A += |g x|;  W -= g x w
//
// where g is the gradient of the loss at the score, times the importance weight. z is the sum of
// negative gradients, A the sum of their sizes, W the winnings so far, and X and M are the largest
// value and gradient so far. As in Vowpal Wabbit, they never fall: one value far beyond the others
// makes those too small to learn from, for good.
//
// Source: F. Orabona, T. Tommasi. Training Deep Networks without Learning Rates Through Coin
// Betting. NIPS 2017. The learner that goes with this rule is in core/model/coin_learner.h.

#ifndef FRESHET_CORE_OPTIMIZER_COIN_H_
#define FRESHET_CORE_OPTIMIZER_COIN_H_

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "core/optimizer/bounds.h"

namespace freshet {

class Coin {
 public:
  struct Options {
    double alpha = 4;  // > 0; the initial wealth of each weight.
    double beta = 1;   // > 0; a lower bound for M.
  };

  struct alignas(32) Slot {
    float scale;           // X
    float gradient_scale;  // M
    float sum;             // z
    float size_sum;        // A
    float gain;            // W
    float unused[3];
  };

  static constexpr uint8_t kStateId = 13;

  explicit Coin(const Options& options)
      : alpha_(options.alpha), beta_(static_cast<float>(options.beta)) {}

  // X once it has seen a value of this size. REQUIRES: size >= kMinValue.
  static float ScaleOf(const Slot& slot, float size) { return std::max(slot.scale, size); }

  // The weight for the scale X, before the division by the mean norm. Computed in double precision,
  // in which nothing here overflows.
  float Weight(const Slot& slot, float scale) const {
    const double unit = std::max(1.0 * slot.gradient_scale * scale, 1e-60);
    return BoundedWeight((alpha_ + slot.gain) * slot.sum / (unit * (unit + slot.size_sum)));
  }

  void Step(float gradient, float value, Slot& slot) const {
    slot.scale = ScaleOf(slot, std::max(std::abs(value), kMinValue));
    const float size = std::abs(gradient);
    if (size > slot.gradient_scale) slot.gradient_scale = std::max(size, beta_);
    const float g = gradient * value;
    slot.gain = Bounded(slot.gain - g * Weight(slot, slot.scale));
    slot.sum -= g;
    slot.size_sum += std::abs(g);
  }

  static float Evidence(const Slot& slot) { return slot.size_sum; }

  static bool IsValid(const Slot& slot) {
    return slot.scale >= 0 && slot.scale <= kMaxValue && slot.gradient_scale >= 0 &&
           slot.gradient_scale <= kMaxGradient && IsBoundedState(slot.sum) &&
           IsBoundedSquareSum(slot.size_sum) && IsBoundedState(slot.gain) && slot.unused[0] == 0 &&
           slot.unused[1] == 0 && slot.unused[2] == 0;
  }

 private:
  static float Bounded(float state) { return std::min(std::max(state, -kMaxState), kMaxState); }

  double alpha_;
  float beta_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_OPTIMIZER_COIN_H_
