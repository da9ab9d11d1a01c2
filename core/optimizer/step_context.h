#ifndef FRESHET_CORE_OPTIMIZER_STEP_CONTEXT_H_
#define FRESHET_CORE_OPTIMIZER_STEP_CONTEXT_H_

#include <algorithm>
#include <cstdint>
#include <limits>

namespace freshet {

// What reading a weight may depend on, beside its slot.
struct WeightContext {
  uint64_t steps_taken = 0;   // Steps before this one.
  float base_rate = 0;        // The learning rate before the schedule.
  float l2 = 0;               // 0 for the intercept.
  bool is_intercept = false;  // The intercept is not regularised.
};

// What one step is for all features of an example.
struct StepContext : WeightContext {
  uint64_t step = 1;  // The number of this step, from 1.
  float rate = 0;     // The learning rate after the schedule.
  float clip = std::numeric_limits<float>::infinity();

  float Clipped(float loss_gradient) const {
    return std::min(std::max(loss_gradient, -clip), clip);
  }

  // The gradient that the step follows, from a component of the loss's gradient.
  float Gradient(float loss_gradient, float weight) const {
    return Clipped(loss_gradient) + l2 * weight;
  }
};

}  // namespace freshet

#endif  // FRESHET_CORE_OPTIMIZER_STEP_CONTEXT_H_
