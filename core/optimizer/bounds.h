// Why no state ever overflows.
//
// The learner skips an example unless its score is finite and every component of its gradient is at
// most kMaxGradient = 1e12 in absolute value. By the ranges of a spec's options, rates and l2 are
// at most 1e3 and 1 - momentum, 1 - beta1 at least 1e-4. Then:
//
// 1. Weights. Every optimizer passes a new weight through BoundedWeight(), which keeps it within
//    kMaxWeight = 1e12 and clamps infinite values too. It does not remove NaN, but NaN could only
//    come from inf - inf, 0 * inf, 0 / 0 or the root of a negative number, and the points below
//    rule out each of these.
// 2. Gradients with l1 and l2 are at most 1e12 + 1e12 + 1e3 * 1e12, about 1e15. The shrinkage by
//    l1 only ever moves a weight towards 0.
// 3. Other state (velocities, moments, sums of squares, pending sums) shrinks by a factor in [0, 1]
//    or grows by at most max(rate * gradient, gradient^2) = 1e30 for each occurrence of a feature.
//    A float near 1e38 does not change when at most 1e30 is added to it, because neighbouring
//    floats there are about 1e31 apart. So kMaxState = 1e38 is never exceeded, however long the
//    stream.
// 4. Roots are taken only of sums of squares, which never fall below 0, and are divided by only
//    after a positive epsilon (at least 1e-12) has been added; by FTRL without beta and l2 only if
//    it is at least 1e-30, and point 1 clamps the quotient.
// 5. A step is a product of finite state and finite factors, so it is finite or infinite but never
//    NaN.
// 6. Learners that keep scales skip an example with a value beyond kMaxValue = 1e15, and treat
//    values smaller than kMinValue = 1e-15 as being of that size, so that squares and quotients of
//    values are finite.
//
// A saved state is checked against the same bounds when it is loaded.

#ifndef FRESHET_CORE_OPTIMIZER_BOUNDS_H_
#define FRESHET_CORE_OPTIMIZER_BOUNDS_H_

#include <algorithm>
#include <cmath>

#include "core/base/float4.h"

namespace freshet {

inline constexpr float kMaxGradient = 1e12f;
inline constexpr float kMaxWeight = 1e12f;
inline constexpr float kMaxState = 1e38f;
inline constexpr float kMinValue = 1e-15f;
inline constexpr float kMaxValue = 1e15f;

inline float BoundedWeight(float weight) {
  return std::min(std::max(weight, -kMaxWeight), kMaxWeight);
}
inline Float4 BoundedWeight(Float4 weights) {
  return Min(Max(weights, Splat(-kMaxWeight)), Splat(kMaxWeight));
}
inline float BoundedWeight(double weight) {
  return static_cast<float>(std::min(std::max(weight, -1.0 * kMaxWeight), 1.0 * kMaxWeight));
}

// These are false for NaN.
inline bool IsBoundedWeight(float weight) { return std::abs(weight) <= kMaxWeight; }
inline bool IsBoundedState(float state) { return std::abs(state) <= kMaxState; }
inline bool IsBoundedSquareSum(float sum) { return sum >= 0 && sum <= kMaxState; }

}  // namespace freshet

#endif  // FRESHET_CORE_OPTIMIZER_BOUNDS_H_
