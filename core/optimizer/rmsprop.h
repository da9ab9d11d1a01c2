// RMSProp: each feature has its own learning rate, from a decaying mean of its squared gradients.
//
//   G = rho * G + (1 - rho) * g^2
//   w -= rate * g / sqrt(G + epsilon)
//
// Source: T. Tieleman, G. Hinton. Lecture 6.5: RMSProp. COURSERA: Neural Networks for Machine
// Learning, 2012. Epsilon is inside the root, as for AdaGrad.
//
// The defaults are milder than the usual 0.99 and 1e-8: a mean that forgets within 100 steps is
// almost 0 when a rare feature comes back, so that the feature's first step is far too large.
//
// l1 moves the weight towards 0 by rate * l1 / sqrt(G + epsilon) after the step, but not past 0:
// the proximal step in the metric of the gradient step, as for AdaGrad.
//
// Sparse form: k steps without the feature multiply G by rho^k, exactly as the dense rule does.

#ifndef FRESHET_CORE_OPTIMIZER_RMSPROP_H_
#define FRESHET_CORE_OPTIMIZER_RMSPROP_H_

#include <cmath>
#include <cstdint>

#include "core/optimizer/bounds.h"
#include "core/optimizer/power_table.h"
#include "core/optimizer/step_context.h"

namespace freshet {

class RmsProp {
 public:
  struct Options {
    double rho = 0.999;     // In [0, 1): the share of the mean that is kept at each step.
    double epsilon = 1e-4;  // > 0; added to the mean, inside the root.
  };

  struct alignas(16) Slot {
    float weight;
    float mean_square;  // As of `step`.
    uint32_t step;      // The last step that touched the slot.
    uint32_t unused;    // 0.
  };

  static constexpr uint8_t kStateId = 6;
  static constexpr double kDefaultLearningRate = 0.002;

  explicit RmsProp(const Options& options)
      : rho_powers_(options.rho),
        one_minus_rho_(static_cast<float>(1 - options.rho)),
        epsilon_(static_cast<float>(options.epsilon)) {}

  float Weight(const Slot& slot, const WeightContext& /*context*/) const { return slot.weight; }

  StepContext Prepare(const StepContext& step) const { return step; }

  [[gnu::always_inline]] void Step(const StepContext& step, float gradient, Slot& slot) const {
    Age(step.step, slot);
    const float g = step.Gradient(gradient, slot.weight);
    slot.mean_square += one_minus_rho_ * (g * g);
    const float root = std::sqrt(slot.mean_square + epsilon_);
    slot.weight = BoundedWeight(slot.weight - step.rate * g / root);
    if (step.l1 > 0) slot.weight = SoftThreshold(slot.weight, step.rate * step.l1 / root);
  }

  void Refresh(uint64_t steps_taken, Slot& slot) const {
    if (slot.step != 0 || slot.mean_square != 0) Age(steps_taken, slot);
  }

  static float Evidence(const Slot& slot) { return slot.mean_square; }

  static bool IsValid(const Slot& slot) {
    return IsBoundedWeight(slot.weight) && IsBoundedSquareSum(slot.mean_square) && slot.unused == 0;
  }

 private:
  // Applies the decay from the slot's last step up to and including `step`.
  void Age(uint64_t step, Slot& slot) const {
    const uint32_t steps = static_cast<uint32_t>(step) - slot.step;
    slot.mean_square *= static_cast<float>(rho_powers_(steps));
    slot.step = static_cast<uint32_t>(step);
  }

  PowerTable rho_powers_;
  float one_minus_rho_;
  float epsilon_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_OPTIMIZER_RMSPROP_H_
