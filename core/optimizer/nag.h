// Normalised adaptive updates ("NAG"): learns from raw numbers of any size at one learning rate.
//
// h is the importance weight, and g the gradient of the loss at the score. Each feature has its
// value x, its weight w, its sum of squares G, and s, the largest |x| so far:
//
//   G += h g^2 x^2
//   if |x| > s: w *= s / |x|; s = |x|
//   N += h sum of x^2 / s^2;  T += h;  c = sqrt(T / N)
//   r = 1 / (sqrt(G) s);  a step of size u moves the score by u P, where P = c sum of x^2 r
//   w += u c r x
//
// With `invariant`, u is the importance-aware step of the loss for the rate h * rate and the
// sensitivity P; without it, u = -g h rate. Without `adaptive`, r = 1 / s^2 and c = T / N. Without
// `normalized`, s and c are 1. In general r = G^-power (s^2)^(power - 1), c = (T / N)^(1 - power).
//
// As in Vowpal Wabbit, s never falls: one value far beyond the others makes those too small to
// learn from, for good. AutoMembers has a scale without this weakness (value_scale.h).
//
// Sources: S. Ross, P. Mineiro, J. Langford. Normalized Online Learning. UAI 2013. N.
// Karampatziakis, J. Langford. Online Importance Weight Aware Updates. UAI 2011. The learner that
// uses these rules is in core/model/nag_learner.h.

#ifndef FRESHET_CORE_OPTIMIZER_NAG_H_
#define FRESHET_CORE_OPTIMIZER_NAG_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "core/base/float4.h"
#include "core/base/portable_math.h"
#include "core/optimizer/bounds.h"

namespace freshet {

struct NagOptions {
  double power = 0.5;      // In [0, 1]: how fast the rate falls with G; only for `adaptive`.
  bool adaptive = true;    // Each feature has its own rate, from its gradients.
  bool normalized = true;  // Features are normalised by their scales, which the rule finds.
  bool invariant = true;   // Importance-aware steps, which never overshoot.
};

namespace internal {

template <bool adaptive, bool normalized, typename Number>
struct NagSlot;
template <typename Number>
struct NagSlot<false, false, Number> {
  Number weight;
};
template <typename Number>
struct alignas(2 * sizeof(Number)) NagSlot<true, false, Number> {
  Number weight;
  Number square_sum;
};
template <typename Number>
struct alignas(2 * sizeof(Number)) NagSlot<false, true, Number> {
  Number weight;
  Number scale;
};
template <typename Number>
struct alignas(4 * sizeof(Number)) NagSlot<true, true, Number> {
  Number weight;
  Number square_sum;
  Number scale;
  Number unused;
};

}  // namespace internal

template <bool adaptive, bool normalized>
class Nag {
 public:
  using Options = NagOptions;
  // The slot of one feature, or the slots of four if Number is Float4.
  template <typename Number>
  using SlotOf = internal::NagSlot<adaptive, normalized, Number>;
  using Slot = SlotOf<float>;

  static constexpr bool kNormalized = normalized;
  static constexpr uint8_t kStateId = 9 + (adaptive ? 0 : 1) + (normalized ? 0 : 2);  // 9 to 12

  explicit Nag(const Options& options)
      : power_(adaptive ? options.power : 0.0), is_root_(adaptive && options.power == 0.5) {}

  // Updates G and s with a value before the step. `square` is h g^2. Returns whether any s grew; if
  // not, only the first 8 bytes of the slots have changed.
  template <typename Number>
  bool Observe(Number value, float square, SlotOf<Number>& slot) const {
    const Number size = SizeOf(value);
    if constexpr (adaptive) slot.square_sum += square * size * size;
    if constexpr (normalized) {
      if (AnyAbove(size, slot.scale)) {
        Rescale(size, slot.weight, slot.scale);
        return true;
      }
    }
    return false;
  }

  // Makes the slots after the first `count` contribute nothing to any sum, for values of 0. Uses an
  // infinite scale rather than a large one, because a product that underflows is many times slower.
  static void Silence(size_t count, SlotOf<Float4>& slots) {
    if constexpr (normalized) {
      const Float4 behind = Splat(static_cast<float>(count));
      slots.scale =
          Float4{0, 1, 2, 3} < behind ? slots.scale : Splat(std::numeric_limits<float>::infinity());
    }
  }

  // What a feature contributes to the sums of an example once its slot has observed `value`.
  template <typename Number>
  struct Part {
    Number rate;  // r
    Number norm;  // (x / s)^2
  };
  template <typename Number>
  Part<Number> PartOf(Number value, const SlotOf<Number>& slot) const {
    Number square_sum = Filled<Number>(1);
    Number scale = Filled<Number>(1);
    if constexpr (adaptive) square_sum = slot.square_sum;
    if constexpr (normalized) scale = slot.scale;
    // A separate division, so that the norm need not wait for G, which waits for the gradient.
    const Number share = SizeOf(value) / scale;
    const Number norm = share * share;
    if (!is_root_) return {.rate = PowerRate(square_sum, scale), .norm = norm};
    const Number root = Max(Sqrt(square_sum), Filled<Number>(kMinRoot));
    return {.rate = 1.0f / (root * scale), .norm = norm};
  }

  // c, from inverse_norm = T / N. REQUIRES: inverse_norm > 0.
  double Correction(double inverse_norm) const {
    if constexpr (!normalized) return 1;
    const double inverse = std::min(std::max(inverse_norm, 1e-30), 1e30);
    return is_root_ ? std::sqrt(inverse) : Pow(inverse, 1 - power_);
  }

  static float Evidence(const Slot& slot) requires adaptive { return slot.square_sum; }

  static bool IsValid(const Slot& slot) {
    bool valid = IsBoundedWeight(slot.weight);
    if constexpr (adaptive) valid &= IsBoundedSquareSum(slot.square_sum);
    if constexpr (normalized) valid &= slot.scale >= 0 && slot.scale <= kMaxValue;
    if constexpr (adaptive && normalized) valid &= slot.unused == 0;
    return valid;
  }

 private:
  // Keeps the rate r of a feature that has not had a gradient yet below 1e30.
  static constexpr float kMinRoot = 1e-15f;

  // |x|, but at least kMinValue.
  template <typename Number>
  static Number SizeOf(Number value) {
    return Max(Abs(value), Filled<Number>(kMinValue));
  }

  // Not inlined, nor is Rescale() of four slots: inlined, they would take registers from the loop
  // for the common case.
  [[gnu::noinline]] float PowerRate(float square_sum, float scale) const {
    const double sum = std::max(1.0 * square_sum, 1.0 * kMinRoot * kMinRoot);
    const double rate =
        Exp(-power_ * NaturalLog(sum) + (power_ - 1) * NaturalLog(1.0 * scale * scale));
    return static_cast<float>(std::min(rate, 1e30));
  }
  [[gnu::noinline]] Float4 PowerRate(Float4 square_sums, Float4 scales) const {
    Float4 rates;
    for (int i = 0; i < 4; ++i) rates[i] = PowerRate(square_sums[i], scales[i]);
    return rates;
  }

  void Rescale(float size, float& weight, float& scale) const {
    if (!(size > scale)) return;
    if (scale > 0) weight *= Rescaling(scale / size);
    scale = size;
  }
  [[gnu::noinline]] void Rescale(Float4 sizes, Float4& weights, Float4& scales) const {
    for (int i = 0; i < 4; ++i) {
      float weight = weights[i];
      float scale = scales[i];
      Rescale(sizes[i], weight, scale);
      weights[i] = weight;
      scales[i] = scale;
    }
  }

  // The factor for a weight when its scale grows, given the ratio of the old scale to the new one:
  // it makes the weight what the same steps at the new scale would have given.
  float Rescaling(float ratio) const {
    if (is_root_) return ratio;
    if constexpr (!adaptive) return ratio * ratio;
    return static_cast<float>(Pow(1.0 * ratio * ratio, 1 - power_));
  }

  double power_;
  bool is_root_;
};

inline constexpr double kNagDefaultLearningRate = 0.5;

}  // namespace freshet

#endif  // FRESHET_CORE_OPTIMIZER_NAG_H_
