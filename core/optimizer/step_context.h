#ifndef FRESHET_CORE_OPTIMIZER_STEP_CONTEXT_H_
#define FRESHET_CORE_OPTIMIZER_STEP_CONTEXT_H_

#include <algorithm>
#include <cstdint>
#include <limits>

namespace freshet {

// What reading a weight may depend on, beside its slot.
struct WeightContext {
  uint64_t steps_taken = 0;  // Steps before this one.
  float base_rate = 0;       // The learning rate before the schedule.
  float l1 = 0;              // These two: 0 for an intercept that is not regularised.
  float l2 = 0;
};

// A number moved towards 0 by at most `bound`: what l1 does to a weight. Exactly +0 where it would
// pass 0.
inline float SoftThreshold(float x, float bound) {
  if (x > bound) return x - bound;
  return x < -bound ? x + bound : 0.0f;
}

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

  // The same with l1's part, which is l1 with the sign of the weight; a weight of 0 stays there
  // until a gradient is larger.
  float GradientWithL1(float loss_gradient, float weight) const {
    const float g = Gradient(loss_gradient, weight);
    if (weight == 0) return SoftThreshold(g, l1);
    return weight > 0 ? g + l1 : g - l1;
  }
};

}  // namespace freshet

#endif  // FRESHET_CORE_OPTIMIZER_STEP_CONTEXT_H_
