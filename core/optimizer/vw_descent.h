// The gradient descent of Vowpal Wabbit: plain, or with adaptive, normalised and importance-aware
// steps in any combination.
//
// The rule is that of nag.h, with what a model needs to give the same numbers:
//
//   G begins at initial_t, w at initial_weight.
//   Of two features of an example in the same slot, both move by the rate that the last one leaves.
//   Without `adaptive`, the rate falls with the sum t of importance weights, this one included, as
//   t^-power. With `normalized` alone, t begins at initial_t, and r = (s^2)^(power - 1), but
//   r = 1 / s^2 and c = T / N if power is exactly 0.5. Without both, t begins at initial_t, which
//   is 1 by default, and the rate is also multiplied by initial_t^power. N and T begin at
//   initial_t.
//
// Sources: as in nag.h. The particulars were found by comparing numbers with version 9.11.2, which
// computes square roots to three digits; ours are exact.

#ifndef FRESHET_CORE_OPTIMIZER_VW_DESCENT_H_
#define FRESHET_CORE_OPTIMIZER_VW_DESCENT_H_

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "core/base/portable_math.h"
#include "core/optimizer/bounds.h"

namespace freshet {

struct VwDescentOptions {
  double power = 0.5;  // >= 0
  bool adaptive = true;
  bool normalized = true;
  bool invariant = true;
  double initial_t = 0;       // >= 0
  double initial_weight = 0;  // Within kMaxWeight.
};

namespace internal {

template <bool has_rate>
struct VwDescentSlot;
template <>
struct VwDescentSlot<false> {
  float weight;  // Less initial_weight.
};
template <>
struct alignas(16) VwDescentSlot<true> {
  float weight;      // Less initial_weight.
  float square_sum;  // G, less initial_t; 0 if not adaptive.
  float scale;       // s; 0 if not normalised.
  float rate;        // r
};

}  // namespace internal

template <bool adaptive, bool normalized>
class VwDescent {
 public:
  using Options = VwDescentOptions;
  static constexpr bool kHasRate = adaptive || normalized;
  using Slot = internal::VwDescentSlot<kHasRate>;

  static constexpr bool kAdaptive = adaptive;
  static constexpr bool kNormalized = normalized;
  static constexpr uint8_t kStateId = 20 + (adaptive ? 0 : 1) + (normalized ? 0 : 2);  // 20 to 23

  explicit VwDescent(const Options& options)
      : power_(options.power),
        is_root_(options.power == 0.5),
        initial_square_(static_cast<float>(options.initial_t)),
        initial_weight_(static_cast<float>(options.initial_weight)) {}

  float initial_weight() const { return initial_weight_; }

  // What a feature contributes to the sums of an example once its slot has observed it.
  struct Part {
    float gain;  // x^2 r
    float norm;  // (x / s)^2
  };

  // Updates G, s and r with a value before the step. `square` is h g^2.
  Part Observe(float value, float square, Slot& slot) const requires kHasRate {
    const float size = std::max(std::abs(value), kMinValue);
    Part part{.gain = 0, .norm = 1};
    if constexpr (adaptive) slot.square_sum += square * size * size;
    if constexpr (normalized) {
      if (size > slot.scale) {
        if (slot.scale > 0) Rescale(slot.scale / size, slot);
        slot.scale = size;
      }
      const float share = size / slot.scale;
      part.norm = share * share;
    }
    slot.rate = Rate(slot);
    part.gain = size * size * slot.rate;
    return part;
  }

  // c, from inverse_norm = T / N. REQUIRES: inverse_norm > 0.
  double Correction(double inverse_norm) const {
    if constexpr (!normalized) return 1;
    const double inverse = std::min(std::max(inverse_norm, 1e-30), 1e30);
    if (is_root_) return adaptive ? std::sqrt(inverse) : inverse;
    return Pow(inverse, 1 - power_);
  }

  // The factor for the learning rate, from t.
  double Decay(double t) const {
    if constexpr (adaptive) return 1;
    return Pow(std::max(t, 1e-30), -power_);
  }

  // The square sum cannot be told from the initial one by its size alone.
  static float Evidence(const Slot& slot) requires adaptive { return slot.square_sum; }

  static bool IsValid(const Slot& slot) {
    bool valid = std::abs(slot.weight) <= 2 * kMaxWeight;
    if constexpr (kHasRate) {
      valid &= IsBoundedSquareSum(slot.square_sum) && slot.scale >= 0 && slot.scale <= kMaxValue &&
               slot.rate >= 0 && slot.rate <= kMaxRate;
    }
    return valid;
  }

 private:
  static constexpr float kMinRoot = 1e-15f;  // Keeps rates before the first gradient finite.
  static constexpr float kMaxRate = 1e30f;

  float Rate(const Slot& slot) const requires kHasRate {
    const float sum = slot.square_sum + initial_square_;
    if (!is_root_) return PowerRate(sum, slot.scale);
    float rate = 1;
    if constexpr (adaptive) rate /= std::max(std::sqrt(sum), kMinRoot);
    if constexpr (normalized) rate /= adaptive ? slot.scale : slot.scale * slot.scale;
    return std::min(rate, kMaxRate);
  }

  [[gnu::noinline]] float PowerRate(float square_sum, float scale) const {
    double log_rate = 0;
    if constexpr (adaptive) {
      log_rate -= power_ * NaturalLog(std::max(1.0 * square_sum, 1.0 * kMinRoot * kMinRoot));
    }
    if constexpr (normalized) log_rate += (power_ - 1) * NaturalLog(1.0 * scale * scale);
    return static_cast<float>(std::min(Exp(std::min(log_rate, 100.0)), 1.0 * kMaxRate));
  }

  // Makes the weight what the same steps at the new scale would have given. `ratio` is the old
  // scale by the new one.
  [[gnu::noinline]] void Rescale(float ratio, Slot& slot) const {
    double factor = ratio;
    if (!is_root_) {
      factor = Pow(1.0 * ratio * ratio, 1 - power_);
    } else if (!adaptive) {
      factor = 1.0 * ratio * ratio;
    }
    const double weight = BoundedWeight((slot.weight + initial_weight_) * factor);
    slot.weight = static_cast<float>(weight - initial_weight_);
  }

  double power_;
  bool is_root_;
  float initial_square_;
  float initial_weight_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_OPTIMIZER_VW_DESCENT_H_
