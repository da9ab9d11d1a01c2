// Adam: steps along a decaying mean of the gradients, divided by the root of a decaying mean of
// their squares.
//
//   m = beta1 * m + (1 - beta1) * g
//   v = beta2 * v + (1 - beta2) * g^2
//   w -= rate * m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon)       at step t = 1, 2, ...
//
// Source: D. Kingma, J. Ba. Adam: A Method for Stochastic Optimization. ICLR 2015. Epsilon is
// outside the root, as in the paper.
//
// l1 moves the weight towards 0 by rate * l1 / (sqrt(v / (1 - beta2^t)) + epsilon) after the step,
// but not past 0: the proximal step in the metric of the gradient step. Source: J. Yun, A. Lozano,
// E. Yang. Adaptive Proximal Gradient Methods for Structured Neural Networks. NeurIPS 2021.
//
// Sparse form: the usual lazy Adam. When a feature recurs, m and v decay for the k steps it was
// absent (by beta1^k and beta2^k), but the weight does not move as the dense rule would have moved
// it meanwhile. On dense data this equals the paper's rule.

#ifndef FRESHET_CORE_OPTIMIZER_ADAM_H_
#define FRESHET_CORE_OPTIMIZER_ADAM_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "core/optimizer/bounds.h"
#include "core/optimizer/power_table.h"
#include "core/optimizer/step_context.h"

namespace freshet {

class Adam {
 public:
  struct Options {
    double beta1 = 0.9;     // In [0, 1): the share of the mean gradient kept at each step.
    double beta2 = 0.999;   // In [0, 1): the share of the mean square kept at each step.
    double epsilon = 1e-8;  // > 0; added to the root.
  };

  struct alignas(16) Slot {
    float weight;
    float mean;         // m as of `step`.
    float mean_square;  // v as of `step`.
    uint32_t step;      // The last step that touched the slot.
  };

  struct Context : StepContext {
    float mean_correction = 1;         // 1 / (1 - beta1^t)
    float mean_square_correction = 1;  // 1 / (1 - beta2^t)
  };

  static constexpr uint8_t kStateId = 7;
  static constexpr double kDefaultLearningRate = 0.005;

  explicit Adam(const Options& options)
      : beta1_powers_(options.beta1),
        beta2_powers_(options.beta2),
        one_minus_beta1_(static_cast<float>(1 - options.beta1)),
        one_minus_beta2_(static_cast<float>(1 - options.beta2)),
        epsilon_(static_cast<float>(options.epsilon)) {}

  float Weight(const Slot& slot, const WeightContext& /*context*/) const { return slot.weight; }

  Context Prepare(const StepContext& step) const {
    return {step, Correction(beta1_powers_, step.step), Correction(beta2_powers_, step.step)};
  }

  [[gnu::always_inline]] void Step(const Context& step, float gradient, Slot& slot) const {
    Age(step.step, slot);
    const float g = step.Gradient(gradient, slot.weight);
    slot.mean += one_minus_beta1_ * g;
    slot.mean_square += one_minus_beta2_ * (g * g);
    const float root = std::sqrt(slot.mean_square * step.mean_square_correction);
    const float direction = slot.mean * step.mean_correction / (root + epsilon_);
    slot.weight = BoundedWeight(slot.weight - step.rate * direction);
    if (step.l1 > 0) {
      slot.weight = SoftThreshold(slot.weight, step.rate * step.l1 / (root + epsilon_));
    }
  }

  void Refresh(uint64_t steps_taken, Slot& slot) const {
    if (slot.step != 0 || slot.mean != 0 || slot.mean_square != 0) Age(steps_taken, slot);
  }

  static float Evidence(const Slot& slot) { return slot.mean_square; }

  static bool IsValid(const Slot& slot) {
    return IsBoundedWeight(slot.weight) && IsBoundedState(slot.mean) &&
           IsBoundedSquareSum(slot.mean_square);
  }

 private:
  // 1 / (1 - beta^t), which is 1 long before t passes 32 bits.
  static float Correction(const PowerTable& powers, uint64_t t) {
    constexpr uint64_t kMax = std::numeric_limits<uint32_t>::max();
    return static_cast<float>(1 / (1 - powers(static_cast<uint32_t>(std::min(t, kMax)))));
  }

  // Applies the decay from the slot's last step up to and including `step`.
  void Age(uint64_t step, Slot& slot) const {
    const uint32_t steps = static_cast<uint32_t>(step) - slot.step;
    slot.mean *= static_cast<float>(beta1_powers_(steps));
    slot.mean_square *= static_cast<float>(beta2_powers_(steps));
    slot.step = static_cast<uint32_t>(step);
  }

  PowerTable beta1_powers_;
  PowerTable beta2_powers_;
  float one_minus_beta1_;
  float one_minus_beta2_;
  float epsilon_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_OPTIMIZER_ADAM_H_
