// FTRL-Proximal: follows the leader under a proximal l2 that grows like AdaGrad's, and an l1 that
// keeps weak weights at exactly zero.
//
//   w = 0 where |z| <= l1, else -(z - sign(z) l1) / (l2 + (beta + sqrt(n)) / rate)
//   sigma = (sqrt(n + g^2) - sqrt(n)) / rate
//   z += g - sigma * w
//   n += g^2
//
// Source: H. B. McMahan et al. Ad Click Prediction: a View from the Trenches. KDD 2013. The paper's
// alpha is the learning rate.
//
// Slots hold rate * z and sqrt(n), and the weight is computed from them, so that a rate that
// changes by a schedule moves no weight by itself:
//
//   w = -(z' - sign(z') rate0 l1) / (rate0 l2 + beta + sqrt(n))
//   z' += rate * g - (sqrt(n + g^2) - sqrt(n)) * w
//
// where rate0 is the rate before the schedule. At a constant rate that is the paper's rule. Without
// l1 and l2 it is AdaGrad with the rate rate / (beta + sqrt(n)).

#ifndef FRESHET_CORE_OPTIMIZER_FTRL_H_
#define FRESHET_CORE_OPTIMIZER_FTRL_H_

#include <algorithm>
#include <cmath>

#include "core/optimizer/bounds.h"
#include "core/optimizer/step_context.h"

namespace freshet {

class Ftrl {
 public:
  struct Options {
    double beta = 1;  // > 0; keeps the first steps of rare features small.
  };

  struct alignas(8) Slot {
    float root;  // sqrt(n)
    float z;     // Times the rate.
  };

  static constexpr uint8_t kStateId = 8;
  static constexpr bool kInColumns = true;
  static constexpr double kDefaultLearningRate = 0.1;

  explicit Ftrl(const Options& options) : beta_(static_cast<float>(options.beta)) {}

  float Weight(const Slot& slot, const WeightContext& context) const {
    const float size = std::max(std::abs(slot.z) - context.base_rate * context.l1, 0.0f);
    const float divisor = context.base_rate * context.l2 + beta_ + slot.root;
    return BoundedWeight(-std::copysign(size, slot.z) / divisor);
  }

  StepContext Prepare(const StepContext& step) const { return step; }

  void Step(const StepContext& step, float gradient, Slot& slot) const {
    const float weight = Weight(slot, step);
    const float g = step.Clipped(gradient);
    const float root = std::sqrt(slot.root * slot.root + g * g);
    slot.z += step.rate * g - (root - slot.root) * weight;
    slot.root = root;
  }

  static float Evidence(const Slot& slot) { return slot.root * slot.root; }

  static bool IsValid(const Slot& slot) {
    return slot.root >= 0 && slot.root <= kMaxRoot && IsBoundedState(slot.z);
  }

 private:
  // Squares of gradients, at most 1e24, do not change a root beyond 1e16: see bounds.h.
  static constexpr float kMaxRoot = 1e18f;

  float beta_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_OPTIMIZER_FTRL_H_
