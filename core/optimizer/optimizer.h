// The concepts of an optimizer: the rule by which one weight follows its gradients.
//
// An optimizer is constant after construction, and therefore thread-safe; everything that it learns
// is in the slots, which belong to the learner. The all-zero slot is the initial state, with weight
// 0.

#ifndef FRESHET_CORE_OPTIMIZER_OPTIMIZER_H_
#define FRESHET_CORE_OPTIMIZER_OPTIMIZER_H_

#include <concepts>
#include <cstdint>
#include <type_traits>

#include "core/optimizer/step_context.h"

namespace freshet {

// The state of one feature: a trivially copyable struct of a few machine words, since the writer
// stores it word by word while others read it; see slot_array.h.
template <typename Slot>
concept WeightSlot = std::is_trivially_copyable_v<Slot> &&
    (sizeof(Slot) == 4 || sizeof(Slot) == 8 || sizeof(Slot) == 16 || sizeof(Slot) == 32 ||
     sizeof(Slot) == 64);

// What every rule with one slot per feature has.
template <typename T>
concept SlotRule = WeightSlot<typename T::Slot> &&
    std::constructible_from<T, typename T::Options> && requires(const typename T::Slot& slot) {
  // The number of the rule in saved states; never changes its meaning.
  { T::kStateId } -> std::convertible_to<uint8_t>;
  // Whether the optimizer can have produced this slot; see bounds.h.
  { T::IsValid(slot) } -> std::same_as<bool>;
};

// How far to trust a weight: what the rule accumulates of its squared gradients, or of their sizes,
// which grows as the feature is learned. 0 if the rule accumulates nothing of the kind.
template <SlotRule T>
float EvidenceOf(const typename T::Slot& slot) {
  if constexpr (requires { T::Evidence(slot); }) {
    return T::Evidence(slot);
  } else {
    return 0;
  }
}

template <typename T>
concept Optimizer = SlotRule<T> &&
    requires(const T& optimizer, const typename T::Slot& slot, const StepContext& step) {
  // The weight after `context.steps_taken` steps, given that no step has touched the slot since its
  // last one. A reader may pass a count older than the slot's own.
  { optimizer.Weight(slot, WeightContext()) } -> std::same_as<float>;
  // What Step() needs to know about a step, computed once per example.
  { optimizer.Prepare(step) } -> std::convertible_to<StepContext>;
};

// An optimizer that steps at every example. A feature that occurs twice in an example is stepped
// twice, but ages once.
template <typename T>
concept StepwiseOptimizer = Optimizer<T> &&
    requires(const T& optimizer, typename T::Slot& slot, float gradient) {
  // One step along a component of the loss's gradient.
  optimizer.Step(optimizer.Prepare(StepContext()), gradient, slot);
};

// An optimizer whose formulas also work on four features at a time, with a Float4 for each number
// of a slot.
template <typename T>
concept ColumnOptimizer = StepwiseOptimizer<T> &&
    requires(const T& optimizer, typename T::template SlotOf<Float4>& slots, Float4 gradients) {
  { optimizer.Weight(slots, WeightContext()) } -> std::same_as<Float4>;
  optimizer.Step(optimizer.Prepare(StepContext()), gradients, slots);
};

// An optimizer that gathers gradients over a window of examples and steps at the window's end.
template <typename T>
concept WindowedOptimizer = Optimizer<T> &&
    requires(const T& optimizer, typename T::Slot& slot, float gradient) {
  { optimizer.window_examples() } -> std::same_as<uint32_t>;
  // Adds a component of the loss's gradient. True if it is the slot's first in this window.
  { optimizer.Accumulate(gradient, slot) } -> std::same_as<bool>;
  // Whether the slot has been added to since its last step.
  { T::IsPending(slot) } -> std::same_as<bool>;
  // The step at the end of the window. REQUIRES: IsPending(slot).
  optimizer.Step(optimizer.Prepare(StepContext()), slot);
};

// An optimizer that can correct the label of an example that it has stepped on before. Adam and
// RMSProp cannot: what divides a gradient forgets, so that the steps of learning and correcting an
// example are divided by different roots and do not add up.
template <typename T>
concept CorrectableOptimizer = Optimizer<T> &&
    requires(const T& optimizer, typename T::Slot& slot, float gradient) {
  // Moves the slot by the step for a component of the gradient for the new label (the second one)
  // less that for the old label (the first one), as if this difference had been a part of the last
  // step, whose context is passed. The slot does not age beyond that step. l1 and l2 play no part,
  // because they were applied when the example was learned.
  //
  // A sum of squared gradients grows by what the square of the new component exceeds that of the
  // old one by, if it does. It then is what it would have been with the new label, for scores that
  // have not moved; and so are the learning rates that follow. Without this growth, where labels of
  // 1 % ones come late, the sum would hold the squares of predictions near 0 and hardly any of the
  // gradients that matter, and rates would be several times too high.
  optimizer.Correct(optimizer.Prepare(StepContext()), gradient, gradient, slot);
};

// An optimizer that keeps the number of a slot's last step, modulo 2^32, to catch up on the steps
// for which the feature was absent.
template <typename T>
concept AgingOptimizer = Optimizer<T> &&
    requires(const T& optimizer, typename T::Slot& slot, uint64_t steps_taken) {
  // Catches the slot up to the step `steps_taken`; leaves an all-zero slot alone. Must be called
  // for every slot at least once in 2^31 steps.
  optimizer.Refresh(steps_taken, slot);
};

}  // namespace freshet

#endif  // FRESHET_CORE_OPTIMIZER_OPTIMIZER_H_
