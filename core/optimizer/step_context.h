#ifndef FRESHET_CORE_OPTIMIZER_STEP_CONTEXT_H_
#define FRESHET_CORE_OPTIMIZER_STEP_CONTEXT_H_

#include <algorithm>
#include <cstdint>
#include <limits>

namespace freshet {

// What one step is for all features of an example.
struct StepContext {
  uint64_t step = 1;  // The number of this step, from 1.
  float rate = 0;     // The learning rate after the schedule.
  float l2 = 0;
  float clip = std::numeric_limits<float>::infinity();

  // The gradient that the step follows, from a component of the loss's gradient.
  float Gradient(float loss_gradient, float weight) const {
    return std::min(std::max(loss_gradient, -clip), clip) + l2 * weight;
  }
};

}  // namespace freshet

#endif  // FRESHET_CORE_OPTIMIZER_STEP_CONTEXT_H_
