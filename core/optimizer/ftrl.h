// FTRL-Proximal: follow the regularised leader, with a proximal l2 term that grows like AdaGrad's
// and an l1 term that keeps weak weights at exactly zero.
//
//   w = 0 if |z| <= l1, else -(z - sign(z) l1) / (l2 + (beta + sqrt(n)) / rate)
//   sigma = (sqrt(n + g^2) - sqrt(n)) / rate
//   z += g - sigma * w
//   n += g^2
//
// Source: H. B. McMahan et al. Ad Click Prediction: a View from the Trenches. KDD 2013. The paper's
// alpha is the learning rate.
//
// Slots hold z' = rate * z and sqrt(n), and the weight is computed from these, so that a learning
// rate that changes by a schedule does not move weights by itself:
//
//   w = -(z' - sign(z') rate0 l1) / (rate0 l2 + beta + sqrt(n))
//   z' += rate * g - (sqrt(n + g^2) - sqrt(n)) * w
//
// where rate0 is the learning rate before the schedule. At a constant rate this is the paper's
// rule. Without l1 and l2 it is AdaGrad with the rate rate / (beta + sqrt(n)).

#ifndef FRESHET_CORE_OPTIMIZER_FTRL_H_
#define FRESHET_CORE_OPTIMIZER_FTRL_H_

#include <cstdint>

#include "core/base/float4.h"
#include "core/optimizer/bounds.h"
#include "core/optimizer/step_context.h"

namespace freshet {

class Ftrl {
 public:
  struct Options {
    double beta = 1;  // >= 0; keeps the first steps of rare features small.
  };

  template <typename Number>
  struct alignas(2 * sizeof(Number)) SlotOf {
    Number root;  // sqrt(n)
    Number z;     // z' = rate * z
  };
  using Slot = SlotOf<float>;

  static constexpr uint8_t kStateId = 8;
  static constexpr double kDefaultLearningRate = 0.1;

  explicit Ftrl(const Options& options) : beta_(static_cast<float>(options.beta)) {}

  template <typename Number>
  Number Weight(const SlotOf<Number>& slot, const WeightContext& context) const {
    const Number size = Max(Abs(slot.z) - context.base_rate * context.l1, Filled<Number>(0.0f));
    // Only without beta and l2 is the divisor ever smaller, where a slot has had no gradient.
    const Number divisor =
        Max(context.base_rate * context.l2 + beta_ + slot.root, Filled<Number>(1e-30f));
    return BoundedWeight(-WithSign(size, slot.z) / divisor);
  }

  StepContext Prepare(const StepContext& step) const { return step; }

  template <typename Number>
  void Step(const StepContext& step, Number gradient, SlotOf<Number>& slot) const {
    const Number weight = Weight(slot, step);
    const Number g = step.Clipped(gradient);
    const Number root = Sqrt(slot.root * slot.root + g * g);
    slot.z += step.rate * g - (root - slot.root) * weight;
    slot.root = root;
  }

  // See CorrectableOptimizer. The weight keeps the l1 and l2 of its formula.
  void Correct(const StepContext& step, float before, float after, Slot& slot) const {
    const float weight = Weight(slot, step);
    const GradientChange change = step.Change(before, after);
    const float root = Sqrt(slot.root * slot.root + change.square);
    slot.z += step.rate * change.difference - (root - slot.root) * weight;
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
