// AdaGrad: each feature has its own learning rate, which falls as its squared gradients add up.
//
//   G += g^2
//   w -= rate * g / sqrt(G + epsilon)
//
// Source: J. Duchi, E. Hazan, Y. Singer. Adaptive Subgradient Methods for Online Learning and
// Stochastic Optimization. JMLR 12, 2011. Epsilon is inside the root, as the initial sum of
// squares: a value of 1 keeps the first steps of rare features small, which keeps predictions of
// rare events calibrated.
//
// l1 moves the weight towards 0 by rate * l1 / sqrt(G + epsilon) after the step, but not past 0:
// the paper's composite mirror descent.

#ifndef FRESHET_CORE_OPTIMIZER_ADAGRAD_H_
#define FRESHET_CORE_OPTIMIZER_ADAGRAD_H_

#include <algorithm>
#include <cstdint>

#include "core/base/float4.h"
#include "core/optimizer/bounds.h"
#include "core/optimizer/step_context.h"

namespace freshet {

class AdaGrad {
 public:
  struct Options {
    double epsilon = 1;  // > 0; the initial sum of squared gradients.
  };

  template <typename Number>
  struct alignas(2 * sizeof(Number)) SlotOf {
    Number weight;
    Number square_sum;
  };
  using Slot = SlotOf<float>;

  static constexpr uint8_t kStateId = 5;
  static constexpr double kDefaultLearningRate = 0.2;

  explicit AdaGrad(const Options& options) : epsilon_(static_cast<float>(options.epsilon)) {}

  template <typename Number>
  Number Weight(const SlotOf<Number>& slot, const WeightContext& /*context*/) const {
    return slot.weight;
  }

  StepContext Prepare(const StepContext& step) const { return step; }

  template <typename Number>
  void Step(const StepContext& step, Number gradient, SlotOf<Number>& slot) const {
    const Number g = step.Gradient(gradient, slot.weight);
    slot.square_sum += g * g;
    const Number root = Sqrt(slot.square_sum + epsilon_);
    slot.weight = BoundedWeight(slot.weight - step.rate * g / root);
    if (step.l1 > 0) slot.weight = SoftThreshold(slot.weight, step.rate * step.l1 / root);
  }

  // See CorrectableOptimizer. As in Step(), the root is at least |g|.
  void Correct(const StepContext& step, float before, float after, Slot& slot) const {
    const GradientChange change = step.Change(before, after);
    const float g = change.difference;
    slot.square_sum += change.square;
    const float root = Sqrt(std::max(slot.square_sum, g * g) + epsilon_);
    slot.weight = BoundedWeight(slot.weight - step.rate * g / root);
  }

  static float Evidence(const Slot& slot) { return slot.square_sum; }

  static bool IsValid(const Slot& slot) {
    return IsBoundedWeight(slot.weight) && IsBoundedSquareSum(slot.square_sum);
  }

 private:
  float epsilon_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_OPTIMIZER_ADAGRAD_H_
