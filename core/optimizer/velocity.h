// The state that Momentum and Nesterov share: a weight with a velocity, which keeps moving while
// its feature is absent.
//
// l1 is added to the gradient with the sign of the weight, so that it drives the velocity like
// every other part of the gradient. A weight of 0 stays at 0 until a gradient is larger than l1. A
// weight that a step would carry across 0 stops at 0 and loses its velocity. Source: G. Andrew, J.
// Gao. Scalable Training of L1-Regularized Log-Linear Models. ICML 2007 (pseudo-gradient and
// orthant).

#ifndef FRESHET_CORE_OPTIMIZER_VELOCITY_H_
#define FRESHET_CORE_OPTIMIZER_VELOCITY_H_

#include <cstdint>

#include "core/optimizer/bounds.h"
#include "core/optimizer/power_table.h"
#include "core/optimizer/step_context.h"

namespace freshet {

// A reader may see a newer first half of a slot together with an older second half, but never the
// other way round (see SlotArray). The two step numbers then differ.
struct alignas(16) VelocitySlot {
  float weight;
  uint32_t step;  // The last step that touched the slot.
  float velocity;
  uint32_t same_step;  // Equals `step`.
};

// Catches slots up on steps without a gradient, in closed form. Over k such steps
//
//   v becomes momentum^k v,
//   w grows by look_ahead * v * (momentum + momentum^2 + ... + momentum^k)
//              = look_ahead * v * momentum (1 - momentum^k) / (1 - momentum).
class VelocityCatchUp {
 public:
  VelocityCatchUp(double momentum, double look_ahead)
      : powers_(momentum), scale_(look_ahead * momentum / (1 - momentum)) {}

  // The weight after `steps_taken` steps, which may be fewer than the slot's own.
  float Weight(const VelocitySlot& slot, uint64_t steps_taken) const {
    const uint32_t absent = static_cast<uint32_t>(steps_taken) - slot.step;
    // Nothing to catch up; or the slot is half-written, and its weight is already current.
    if (static_cast<int32_t>(absent) <= 0 || slot.step != slot.same_step) return slot.weight;
    return Moved(slot, powers_(absent));
  }

  // Brings the slot to its state after `steps_taken` steps. REQUIRES: steps_taken is at least the
  // step of the slot.
  void CatchUp(uint64_t steps_taken, VelocitySlot& slot) const {
    const auto step = static_cast<uint32_t>(steps_taken);
    const double kept = powers_(step - slot.step);
    slot.weight = Moved(slot, kept);
    slot.velocity *= static_cast<float>(kept);
    slot.step = step;
    slot.same_step = step;
  }

 private:
  float Moved(const VelocitySlot& slot, double kept) const {
    return BoundedWeight(slot.weight + scale_ * (1 - kept) * slot.velocity);
  }

  PowerTable powers_;
  double scale_;
};

inline float VelocityGradient(const StepContext& step, float loss_gradient, float weight) {
  return step.l1 > 0 ? step.GradientWithL1(loss_gradient, weight)
                     : step.Gradient(loss_gradient, weight);
}

// Stops a weight that the step carried across 0. `before` is the weight before the step.
inline void StopAtZero(float before, VelocitySlot& slot) {
  if ((before > 0 && slot.weight < 0) || (before < 0 && slot.weight > 0)) {
    slot.weight = 0;
    slot.velocity = 0;
  }
}

inline bool IsValidVelocitySlot(const VelocitySlot& slot) {
  return IsBoundedWeight(slot.weight) && IsBoundedState(slot.velocity) &&
         slot.step == slot.same_step;
}

}  // namespace freshet

#endif  // FRESHET_CORE_OPTIMIZER_VELOCITY_H_
