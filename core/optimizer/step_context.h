// The parameters of a step that learners pass to optimizers.

#ifndef FRESHET_CORE_OPTIMIZER_STEP_CONTEXT_H_
#define FRESHET_CORE_OPTIMIZER_STEP_CONTEXT_H_

#include <algorithm>
#include <cstdint>
#include <limits>

#include "core/base/float4.h"

namespace freshet {

// What the value of a weight may depend on, besides its slot.
struct WeightContext {
  uint64_t steps_taken = 0;  // Steps before this one.
  float base_rate = 0;       // The learning rate before the schedule.
  float l1 = 0;              // l1 and l2 are 0 for an intercept that is not regularised.
  float l2 = 0;
};

// `x` moved towards 0 by `bound`, as l1 does to a weight; exactly +0 if it would reach or pass 0.
inline float SoftThreshold(float x, float bound) {
  if (x > bound) return x - bound;
  return x < -bound ? x + bound : 0.0f;
}

// Soft-thresholds lane by lane.
inline Float4 SoftThreshold(Float4 x, Float4 bounds) {
  const Float4 below = x < -bounds ? x + bounds : Float4{};
  return x > bounds ? x - bounds : below;
}

// How one component of the loss's gradient changes when a label is corrected.
struct GradientChange {
  float difference = 0;  // The new component less the old one.
  float square = 0;      // By how much the new one's square is the larger; 0 if it is not.
};

// One step, as it is the same for all features of an example.
struct StepContext : WeightContext {
  uint64_t step = 1;  // The number of this step, from 1.
  float rate = 0;     // The learning rate after the schedule.
  float clip = std::numeric_limits<float>::infinity();
  bool is_plain = false;  // Whether nothing is clipped and l2 is 0.

  // These templates take a float, or a Float4 for four features.
  template <typename Number>
  Number Clipped(Number loss_gradient) const {
    return Min(Max(loss_gradient, Filled<Number>(-clip)), Filled<Number>(clip));
  }

  // The change from one component to another. Each is clipped, as it is when it is learned.
  GradientChange Change(float before, float after) const {
    const float old_part = Clipped(before);
    const float new_part = Clipped(after);
    return {.difference = new_part - old_part,
            .square = std::max(new_part * new_part - old_part * old_part, 0.0f)};
  }

  // The gradient that the step follows, with clipping and l2, from a component of the loss's
  // gradient.
  template <typename Number>
  Number Gradient(Number loss_gradient, Number weight) const {
    return is_plain ? loss_gradient : Clipped(loss_gradient) + l2 * weight;
  }

  // The same plus the gradient of l1, which is l1 with the sign of the weight. A weight of 0 stays
  // at 0 unless the gradient is larger than l1.
  float GradientWithL1(float loss_gradient, float weight) const {
    const float g = Gradient(loss_gradient, weight);
    if (weight == 0) return SoftThreshold(g, l1);
    return weight > 0 ? g + l1 : g - l1;
  }
};

}  // namespace freshet

#endif  // FRESHET_CORE_OPTIMIZER_STEP_CONTEXT_H_
