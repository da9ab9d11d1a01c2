// Normalised adaptive updates ("NAG"): learns from raw numbers of any size at one learning rate.
//
// With an importance weight h, the gradient g of the loss at the score, and for each feature its
// value x, its weight w, its sum of squares G and the largest |x| so far, s:
//
//   G += h g^2 x^2
//   where |x| > s: w *= s / |x|; s = |x|
//   N += h sum of x^2 / s^2;  T += h;  c = sqrt(T / N)
//   r = 1 / (sqrt(G) s);  the score moves by P = c sum of x^2 r for each unit u of the step
//   w += u c r x
//
// With `invariant`, u is the importance-aware step of the loss for the rate h * rate and the
// sensitivity P; without, u = -g h rate. Without `adaptive`, r = 1 / s^2 and c = T / N. Without
// `normalized`, s and c are 1. In general r = G^-power (s^2)^(power - 1), c = (T / N)^(1 - power).
//
// Sources: S. Ross, P. Mineiro, J. Langford. Normalized Online Learning. UAI 2013. N.
// Karampatziakis, J. Langford. Online Importance Weight Aware Updates. UAI 2011. The learner that
// goes with these rules is in core/model/nag_learner.h.

#ifndef FRESHET_CORE_OPTIMIZER_NAG_H_
#define FRESHET_CORE_OPTIMIZER_NAG_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "core/base/float4.h"
#include "core/base/portable_math.h"
#include "core/optimizer/bounds.h"

namespace freshet {

struct NagOptions {
  double power = 0.5;      // In [0, 1]: how fast the rate falls with G; only for `adaptive`.
  bool adaptive = true;    // A rate for each feature, from its gradients.
  bool normalized = true;  // Scales of features are found and evened out.
  bool invariant = true;   // Importance-aware steps, which never overshoot.
};

namespace internal {

template <bool adaptive, bool normalized>
struct NagSlot;
template <>
struct NagSlot<false, false> {
  float weight;
};
template <>
struct alignas(8) NagSlot<true, false> {
  float weight;
  float square_sum;
};
template <>
struct alignas(8) NagSlot<false, true> {
  float weight;
  float scale;
};
template <>
struct alignas(16) NagSlot<true, true> {
  float weight;
  float square_sum;
  float scale;
  float unused;
};

}  // namespace internal

template <bool adaptive, bool normalized>
class Nag {
 public:
  using Options = NagOptions;
  using Slot = internal::NagSlot<adaptive, normalized>;

  static constexpr bool kAdaptive = adaptive;
  static constexpr bool kNormalized = normalized;
  static constexpr uint8_t kStateId = 9 + (adaptive ? 0 : 1) + (normalized ? 0 : 2);  // 9 to 12

  explicit Nag(const Options& options)
      : power_(adaptive ? options.power : 0.0), is_root_(adaptive && options.power == 0.5) {}

  // The size |x| of a value, as the rule takes it.
  template <typename Number>
  static Number SizeOf(Number value) {
    return Max(Abs(value), Filled<Number>(kMinValue));
  }

  // Takes note of a size and of h g^2 before the step: grows G and s. Returns whether s grew; else
  // only the first 8 bytes of the slot have changed.
  bool Observe(float size, float square, Slot& slot) const {
    if constexpr (adaptive) slot.square_sum += square * size * size;
    if constexpr (normalized) {
      if (size > slot.scale) {
        if (slot.scale > 0) slot.weight *= Rescaling(slot.scale / size);
        slot.scale = size;
        return true;
      }
    }
    return false;
  }

  // G and s of a slot.
  static float SquareSum(const Slot& slot) {
    if constexpr (adaptive) return slot.square_sum;
    return 1;
  }
  static float Scale(const Slot& slot) {
    if constexpr (normalized) return slot.scale;
    return 1;
  }

  // For each feature, from its x, G and s: its r in `rates`, x^2 r in `gains`, (x / s)^2 in
  // `norms`. REQUIRES: columns have room for whole groups of four. Gains and norms behind the last
  // feature become 0.
  void ComputeRates(size_t size, const float* __restrict values,
                    const float* __restrict square_sums, const float* __restrict scales,
                    float* __restrict rates, float* __restrict gains,
                    float* __restrict norms) const {
    if (is_root_) {
      for (size_t i = 0; i < size; i += 4) {
        const Float4 roots = Max(Sqrt(LoadFloat4(square_sums + i)), Splat(kMinRoot));
        StoreFloat4(1.0f / (roots * LoadFloat4(scales + i)), rates + i);
      }
    } else {
      for (size_t i = 0; i < size; ++i) rates[i] = PowerRate(square_sums[i], scales[i]);
    }
    for (size_t i = 0; i < size; i += 4) {
      const Float4 x = LoadFloat4(values + i);
      StoreFloat4(x * x * LoadFloat4(rates + i), gains + i);
      const Float4 shares = SizeOf(x) / LoadFloat4(scales + i);
      StoreFloat4(shares * shares, norms + i);
    }
    for (size_t i = size; i % 4 != 0; ++i) gains[i] = norms[i] = 0;
  }

  // c, from the mean of the sum of x^2 / s^2. REQUIRES: mean_norm > 0.
  double Correction(double mean_norm) const {
    if constexpr (!normalized) return 1;
    const double inverse = 1 / std::min(std::max(mean_norm, 1e-30), 1e30);
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
  // Keeps rates of features without a gradient below 1e30.
  static constexpr float kMinRoot = 1e-15f;

  float PowerRate(double square_sum, double scale) const {
    const double sum = std::max(square_sum, 1.0 * kMinRoot * kMinRoot);
    const double rate = Exp(-power_ * Log(sum) + (power_ - 1) * Log(scale * scale));
    return static_cast<float>(std::min(rate, 1e30));
  }

  // What a weight is multiplied by where the scale grows: the same step at the new scale.
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
