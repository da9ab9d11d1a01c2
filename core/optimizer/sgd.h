// Stochastic gradient descent.
//
//   w -= rate * g
//
// Source: H. Robbins, S. Monro. A Stochastic Approximation Method. Ann. Math. Statist., 1951.
//
// l1 moves the weight towards 0 by rate * l1 after the step, but not past 0: the truncated gradient
// of J. Langford, L. Li, T. Zhang. Sparse Online Learning via Truncated Gradient. JMLR 10, 2009,
// which is the forward-backward splitting of J. Duchi, Y. Singer. JMLR 10, 2009.

#ifndef FRESHET_CORE_OPTIMIZER_SGD_H_
#define FRESHET_CORE_OPTIMIZER_SGD_H_

#include <cstdint>

#include "core/optimizer/bounds.h"
#include "core/optimizer/step_context.h"

namespace freshet {

class Sgd {
 public:
  struct Options {};

  template <typename Number>
  struct SlotOf {
    Number weight;
  };
  using Slot = SlotOf<float>;

  static constexpr uint8_t kStateId = 1;
  static constexpr double kDefaultLearningRate = 0.05;

  explicit Sgd(const Options&) {}

  template <typename Number>
  Number Weight(const SlotOf<Number>& slot, const WeightContext& /*context*/) const {
    return slot.weight;
  }

  StepContext Prepare(const StepContext& step) const { return step; }

  template <typename Number>
  void Step(const StepContext& step, Number gradient, SlotOf<Number>& slot) const {
    const Number g = step.Gradient(gradient, slot.weight);
    slot.weight = BoundedWeight(slot.weight - step.rate * g);
    if (step.l1 > 0) slot.weight = SoftThreshold(slot.weight, Filled<Number>(step.rate * step.l1));
  }

  // See CorrectableOptimizer.
  void Correct(const StepContext& step, float before, float after, Slot& slot) const {
    slot.weight = BoundedWeight(slot.weight - step.rate * step.Change(before, after).difference);
  }

  static bool IsValid(const Slot& slot) { return IsBoundedWeight(slot.weight); }
};

}  // namespace freshet

#endif  // FRESHET_CORE_OPTIMIZER_SGD_H_
