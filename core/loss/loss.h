// The concept of a loss: a function of a score and a label, to be minimised.

#ifndef FRESHET_CORE_LOSS_LOSS_H_
#define FRESHET_CORE_LOSS_LOSS_H_

#include <concepts>

#include "core/loss/loss_kind.h"

namespace freshet {

// A loss is convex in the score and never negative. Constant after construction, so thread-safe.
template <typename T>
concept LossFunction = std::copy_constructible<T> &&
    requires(const T& loss, double value, double score, float label) {
  { T::kKind } -> std::convertible_to<LossKind>;
  // Learners that bound their scores keep them within [-kScoreLimit, kScoreLimit], or, if the limit
  // is infinite, within the range of the labels seen.
  { T::kScoreLimit } -> std::convertible_to<float>;
  { loss.Value(score, label) } -> std::same_as<double>;
  // dValue / dscore, or a subgradient.
  { loss.Gradient(0.0f, label) } -> std::same_as<float>;
  // The second derivative by the score; for losses whose second derivative is zero almost
  // everywhere, the square of the gradient instead.
  { loss.Curvature(score, label) } -> std::same_as<double>;
  // The link function: turns a score into a prediction.
  { loss.Link(0.0f) } -> std::same_as<float>;
  // The importance-aware step u. The score moves by `sensitivity` for each unit of u, and u is the
  // limit, for n towards infinity, of n steps of -rate / n * Gradient(), each taken at the score
  // that the steps before it have reached. So a step at rate a followed by one at rate b is the
  // same as one at rate a + b, and no step overshoots.
  //
  // Source: N. Karampatziakis, J. Langford. Online Importance Weight Aware Updates. UAI 2011.
  // REQUIRES: rate >= 0, sensitivity >= 0, both finite; scores within the bounds above.
  { loss.ImportanceStep(score, label, value, value) } -> std::same_as<double>;
};

// Below this product of rate and sensitivity, one plain gradient step is as good as the limit.
inline constexpr double kMinImportance = 1e-6;

}  // namespace freshet

#endif  // FRESHET_CORE_LOSS_LOSS_H_
