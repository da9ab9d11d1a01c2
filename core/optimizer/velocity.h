// The state that momentum and Nesterov share: a weight that moves on while its feature is absent.
//
// l1 is added to the gradient with the sign of the weight, so that it drives the velocity as every
// other part does; a weight of 0 stays there until a gradient is larger than l1; and a weight that
// a step would carry across 0 stops there, without its velocity. Source: G. Andrew, J. Gao.
// Scalable Training of L1-Regularized Log-Linear Models. ICML 2007 (pseudo-gradient and orthant).

#ifndef FRESHET_CORE_OPTIMIZER_VELOCITY_H_
#define FRESHET_CORE_OPTIMIZER_VELOCITY_H_

#include <cstdint>

#include "core/optimizer/bounds.h"
#include "core/optimizer/power_table.h"
#include "core/optimizer/step_context.h"

namespace freshet {

// A reader may see the first half of a slot newer than the second (never the other way round, see
// SlotArray); the two step numbers then differ.
struct alignas(16) VelocitySlot {
  float weight;
  uint32_t step;  // The last step that touched the slot.
  float velocity;
  uint32_t same_step;  // Equals `step`.
};

// Catches slots up over steps without a gradient, in closed form: over k such steps
//
//   v becomes momentum^k v,
//   w gains look_ahead * v * (momentum + momentum^2 + ... + momentum^k)
//           = look_ahead * v * momentum (1 - momentum^k) / (1 - momentum).
class VelocityCatchUp {
 public:
  VelocityCatchUp(double momentum, double look_ahead)
      : powers_(momentum), scale_(look_ahead * momentum / (1 - momentum)) {}

  // The weight after `steps_taken` steps, which may be fewer than the slot's own.
  float Weight(const VelocitySlot& slot, uint64_t steps_taken) const {
    const uint32_t absent = static_cast<uint32_t>(steps_taken) - slot.step;
    // Half-written: the weight is of this very moment.
    if (static_cast<int32_t>(absent) <= 0 || slot.step != slot.same_step) return slot.weight;
    return Moved(slot, powers_(absent));
  }

  // Brings the slot to the state after `steps_taken` steps. REQUIRES: not fewer than its own.
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

// `before` is the weight before the step.
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
