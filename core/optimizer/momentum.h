// SGD with heavy-ball momentum.
//
//   v = momentum * v - rate * g
//   w += v
//
// Source: B. Polyak. Some methods of speeding up the convergence of iteration methods. USSR Comput.
// Math. Math. Phys., 1964.
//
// l1 is part of the gradient; see velocity.h.
//
// Sparse form: the movement over the steps a feature was absent is caught up exactly; see
// velocity.h.

#ifndef FRESHET_CORE_OPTIMIZER_MOMENTUM_H_
#define FRESHET_CORE_OPTIMIZER_MOMENTUM_H_

#include <cstdint>

#include "core/optimizer/bounds.h"
#include "core/optimizer/step_context.h"
#include "core/optimizer/velocity.h"

namespace freshet {

class Momentum {
 public:
  struct Options {
    double momentum = 0.9;  // In [0, 1): the share of the velocity kept at each step.
  };

  using Slot = VelocitySlot;

  static constexpr uint8_t kStateId = 3;
  static constexpr double kDefaultLearningRate = 0.005;

  explicit Momentum(const Options& options)
      : catch_up_(options.momentum, 1), momentum_(static_cast<float>(options.momentum)) {}

  float Weight(const Slot& slot, const WeightContext& context) const {
    return catch_up_.Weight(slot, context.steps_taken);
  }

  StepContext Prepare(const StepContext& step) const { return step; }

  [[gnu::always_inline]] void Step(const StepContext& step, float gradient, Slot& slot) const {
    const auto number = static_cast<uint32_t>(step.step);
    // False at a feature's second occurrence in the same example, which must not age it again.
    const bool ages = slot.step != number;
    if (ages) catch_up_.CatchUp(step.step - 1, slot);
    const float before = slot.weight;
    const float g = VelocityGradient(step, gradient, before);
    if (ages) {
      slot.step = slot.same_step = number;
      slot.velocity *= momentum_;
      slot.weight += slot.velocity;
    }
    slot.velocity -= step.rate * g;
    slot.weight = BoundedWeight(slot.weight - step.rate * g);
    if (step.l1 > 0) StopAtZero(before, slot);
  }

  // See CorrectableOptimizer. The velocity gets the difference too, so that the weight goes on to
  // move as far as it would have.
  void Correct(const StepContext& step, float before, float after, Slot& slot) const {
    catch_up_.CatchUp(step.step, slot);
    const float g = step.Change(before, after).difference;
    slot.velocity -= step.rate * g;
    slot.weight = BoundedWeight(slot.weight - step.rate * g);
  }

  void Refresh(uint64_t steps_taken, Slot& slot) const {
    if (slot.step != 0 || slot.velocity != 0) catch_up_.CatchUp(steps_taken, slot);
  }

  static bool IsValid(const Slot& slot) { return IsValidVelocitySlot(slot); }

 private:
  VelocityCatchUp catch_up_;
  float momentum_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_OPTIMIZER_MOMENTUM_H_
