// What a class must have to be a loss: a function of a score and a label, to be minimised.

#ifndef FRESHET_CORE_LOSS_LOSS_H_
#define FRESHET_CORE_LOSS_LOSS_H_

#include <concepts>

#include "core/loss/loss_kind.h"

namespace freshet {

// A loss is convex in the score, and never negative. Threads: constant after construction.
template <typename T>
concept LossFunction = std::copy_constructible<T> &&
    requires(const T& loss, double value, double score, float label) {
  { T::kKind } -> std::convertible_to<LossKind>;
  // Learners that bound their scores keep them within [-kScoreLimit, kScoreLimit]; where it is
  // infinite, within the range of the labels seen.
  { T::kScoreLimit } -> std::convertible_to<float>;
  { loss.Value(score, label) } -> std::same_as<double>;
  // dValue / dscore, or a subgradient.
  { loss.Gradient(0.0f, label) } -> std::same_as<float>;
  // The second derivative; where it is zero almost everywhere, the square of the gradient in its
  // place.
  { loss.Curvature(score, label) } -> std::same_as<double>;
  // The prediction that belongs to a score.
  { loss.Link(0.0f) } -> std::same_as<float>;
  // The importance-aware step: the score moves by `sensitivity` for each unit of the result u, and
  // u is the limit of many steps of -rate / many * Gradient(), each at the score then reached. So
  // rate a and then rate b is the same as rate a + b, and no step overshoots.
  //
  // Source: N. Karampatziakis, J. Langford. Online Importance Weight Aware Updates. UAI 2011.
  // REQUIRES: rate >= 0, sensitivity >= 0, both finite; scores within the bounds above.
  { loss.ImportanceStep(score, label, value, value) } -> std::same_as<double>;
};

// Below this product of rate and sensitivity, one plain step is as good as the limit.
inline constexpr double kMinImportance = 1e-6;

}  // namespace freshet

#endif  // FRESHET_CORE_LOSS_LOSS_H_
