// Stochastic gradient descent.
//
//   w -= rate * g
//
// Source: H. Robbins, S. Monro. A Stochastic Approximation Method. Ann. Math. Statist., 1951.

#ifndef FRESHET_CORE_OPTIMIZER_SGD_H_
#define FRESHET_CORE_OPTIMIZER_SGD_H_

#include <cstdint>

#include "core/optimizer/bounds.h"
#include "core/optimizer/step_context.h"

namespace freshet {

class Sgd {
 public:
  struct Options {};

  struct Slot {
    float weight;
  };

  static constexpr uint8_t kStateId = 1;
  static constexpr double kDefaultLearningRate = 0.05;

  explicit Sgd(const Options&) {}

  float Weight(const Slot& slot, const WeightContext& /*context*/) const { return slot.weight; }

  StepContext Prepare(const StepContext& step) const { return step; }

  void Step(const StepContext& step, float gradient, Slot& slot) const {
    const float g = step.Gradient(gradient, slot.weight);
    slot.weight = BoundedWeight(slot.weight - step.rate * g);
  }

  static bool IsValid(const Slot& slot) { return IsBoundedWeight(slot.weight); }
};

}  // namespace freshet

#endif  // FRESHET_CORE_OPTIMIZER_SGD_H_
