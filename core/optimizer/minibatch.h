// Mini-batch SGD: one step along the mean gradient of several examples.
//
//   w -= rate * (sum of g over m examples) / m
//
// Source: O. Dekel, R. Gilad-Bachrach, O. Shamir, L. Xiao. Optimal Distributed Online Prediction
// Using Mini-Batches. JMLR 13, 2012.
//
// Clipping applies to the mean gradient. l1 and l2 apply once to each feature that occurs in the m
// examples; l1 works as for SGD.

#ifndef FRESHET_CORE_OPTIMIZER_MINIBATCH_H_
#define FRESHET_CORE_OPTIMIZER_MINIBATCH_H_

#include <bit>
#include <cstdint>

#include "core/optimizer/bounds.h"
#include "core/optimizer/step_context.h"

namespace freshet {

class MiniBatch {
 public:
  struct Options {
    uint32_t examples = 32;  // >= 1; examples per step.
  };

  struct alignas(8) Slot {
    float weight;
    float pending_sum;  // Of this window's gradients. +0: none yet; a sum of zero is kept as -0.
  };

  static constexpr uint8_t kStateId = 2;
  static constexpr double kDefaultLearningRate = 0.5;

  explicit MiniBatch(const Options& options)
      : examples_(options.examples), inverse_(1.0f / static_cast<float>(options.examples)) {}

  float Weight(const Slot& slot, const WeightContext& /*context*/) const { return slot.weight; }

  StepContext Prepare(const StepContext& step) const { return step; }

  uint32_t window_examples() const { return examples_; }

  static bool IsPending(const Slot& slot) { return std::bit_cast<uint32_t>(slot.pending_sum) != 0; }

  [[gnu::always_inline]] bool Accumulate(float gradient, Slot& slot) const {
    const bool first = !IsPending(slot);
    slot.pending_sum += gradient;
    if (slot.pending_sum == 0) slot.pending_sum = -0.0f;
    return first;
  }

  void Step(const StepContext& step, Slot& slot) const {
    const float g = step.Gradient(slot.pending_sum * inverse_, slot.weight);
    slot.weight = BoundedWeight(slot.weight - step.rate * g);
    if (step.l1 > 0) slot.weight = SoftThreshold(slot.weight, step.rate * step.l1);
    slot.pending_sum = 0;
  }

  // See CorrectableOptimizer. Moves the weight at once, by one example's share of a mean gradient:
  // the window of the example is usually over.
  void Correct(const StepContext& step, float before, float after, Slot& slot) const {
    const GradientChange change = step.Change(before * inverse_, after * inverse_);
    slot.weight = BoundedWeight(slot.weight - step.rate * change.difference);
  }

  static bool IsValid(const Slot& slot) {
    return IsBoundedWeight(slot.weight) && IsBoundedState(slot.pending_sum);
  }

 private:
  uint32_t examples_;
  float inverse_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_OPTIMIZER_MINIBATCH_H_
