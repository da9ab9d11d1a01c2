// The members of the mixture `auto`: six unlike rules that learn side by side, all that they know
// about a feature standing in one slot. The learner that goes with them is in
// core/model/auto_learner.h.
//
// Every member takes a feature's value x as a share of the largest seen, v = x / max |x|, in
// [-1, 1]. So numbers of any size suit them all, and weights need not change when a scale grows.
// With the gradient g of the loss at the member's own score, times the importance weight:
//
//   AdaGrad          G += (g v)^2;               w -= rate g v / (1 + sqrt(G))
//   fading AdaGrad   G = keep G + (g v)^2;       w -= rate g v / (1 + sqrt(G))
//   coin betting     z -= c v; A += |c v|; W -= c v w;  w = (wealth + W) z / (1 + A)
//                    with c = g / (the largest |g| of the stream, at least 1)
//   Newton           w += u P v;  P -= b (P v)^2;  P is 1 at first
//                    a diagonal Gaussian belief about w, with the curvature k of the loss:
//                    S = sum of P v^2;  b = k / (1 + k S). Where the mixture finds that the belief
//                    is out of date, 1 - P shrinks with each example, until it has caught up.
//   slow, fast SGD   w += u v
//
// u is the loss's importance-aware step (loss.h): for Newton at the rate 1 and the sensitivity S,
// for SGD at its rate and the sum of v^2. So none of these overshoots.
//
// AdaGrad is right for sparse events that stay as they are, Newton for few data, the others follow
// drift at several speeds, coin betting at a speed of its own choice.
//
// Sources: J. Duchi, E. Hazan, Y. Singer. Adaptive Subgradient Methods for Online Learning and
// Stochastic Optimization. JMLR 12, 2011. F. Orabona, D. Pal. Coin Betting and Parameter-Free
// Online Learning. NIPS 2016. K. Crammer, A. Kulesza, M. Dredze. Adaptive Regularization of Weight
// Vectors. NIPS 2009. N. Karampatziakis, J. Langford. Online Importance Weight Aware Updates. UAI
// 2011. Rates were chosen on six streams together: census data, electricity prices, clicks, texts,
// flights and network traffic.

#ifndef FRESHET_CORE_OPTIMIZER_ENSEMBLE_H_
#define FRESHET_CORE_OPTIMIZER_ENSEMBLE_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "core/base/float4.h"
#include "core/optimizer/bounds.h"

namespace freshet {

// Which parts the mixture has. REQUIRES: at least one member.
struct AutoOptions {
  bool adagrad = true;
  bool fading_adagrad = true;
  bool coin = true;
  bool newton = true;
  bool slow_sgd = true;
  bool fast_sgd = true;
  bool mixers = true;
  double share = 1e-4;  // In [0, 0.5]: of the weight, spread over all parts after each example.
};

class Ensemble {
 public:
  using Options = AutoOptions;

  // Members, in the order of their scores.
  enum Member : uint8_t { kAdaGrad, kFadingAdaGrad, kCoin, kNewton, kSlowSgd, kFastSgd };
  static constexpr size_t kMemberCount = 6;

  static constexpr uint8_t kStateId = 14;

  static constexpr float kAdaGradRate = 0.2f;
  static constexpr float kFadingRate = 1;
  static constexpr float kKeep = 0.999f;
  static constexpr float kNewtonKeep = 0.98f;
  static constexpr float kWealth = 0.5f;
  static constexpr float kSlowRate = 0.02f;
  static constexpr float kFastRate = 0.1f;

  struct alignas(64) Slot {
    float weights[4];  // AdaGrad, fading AdaGrad, coin, Newton
    float sums[4];     // G, fading G, A, 1 - P
    float others[4];   // The weights of slow and fast SGD; coin's z and W
    float scale;       // The largest |x|.
    float unused[3];
  };

  // What a score is made of: the sums over the features of one example.
  class Sums {
   public:
    // Adds a feature and returns its v. `size` is SizeOf(x).
    float Add(const Slot& slot, float x, float size) {
      const float v = x / std::max(slot.scale, size);
      const float square = v * v;
      head_ += LoadFloat4(slot.weights) * Splat(v);
      tail_ += LoadFloat4(slot.others) * Splat(v);
      norm_ += square;
      spread_ += std::max(1 - slot.sums[3], kMinSpread) * square;
      return v;
    }

    // Adds the sums of other features.
    void Add(const Sums& other) {
      head_ += other.head_;
      tail_ += other.tail_;
      norm_ += other.norm_;
      spread_ += other.spread_;
    }

    // w v of a member. Infinite or NaN where a value was.
    float Of(size_t member) const { return member < 4 ? head_[member] : tail_[member - 4]; }
    float norm() const { return norm_; }      // v^2
    float spread() const { return spread_; }  // P v^2

   private:
    Float4 head_ = {0, 0, 0, 0};
    Float4 tail_ = {0, 0, 0, 0};  // The last two lanes mean nothing.
    float norm_ = 0;
    float spread_ = 0;
  };

  // One step, the same for all features of an example.
  class Step {
   public:
    // What members learn; those that take no part have zeros.
    struct Parts {
      float adagrad = 0;  // g
      float fading = 0;   // g
      float coin = 0;     // c
      float newton = 0;   // u
      float shrink = 0;   // b
      float keep = 1;     // of 1 - P: below 1 where the belief is out of date
      float slow = 0;     // u
      float fast = 0;     // u
    };

    explicit Step(const Parts& parts)
        : along_{parts.adagrad, parts.fading, parts.coin, 1},
          growth_{1, 1, 0, parts.shrink},
          kept_{1, kKeep, 1, parts.keep},
          rates_{-kAdaGradRate, -kFadingRate, 0, parts.newton},
          others_{parts.slow, parts.fast, -parts.coin, -parts.coin} {}

    // Steps a feature by its v, as Sums::Add() returned it for `size`. Lanes are as in the slot.
    void Apply(float v, float size, Slot& slot) const {
      const Float4 weights = LoadFloat4(slot.weights);
      const Float4 sums = LoadFloat4(slot.sums);
      // g v, g v, c v, P v.
      const Float4 spread = Max(Splat(1) - sums, Splat(kMinSpread));
      const Float4 along = along_ * Splat(v) * (spread * kLane3 + kLanes012);
      const Float4 size_of_along = Max(along, -along);
      const Float4 new_sums = sums * kept_ + (along * along * growth_ + size_of_along * kLane2);

      const Float4 others =
          Bounded(LoadFloat4(slot.others) + others_ * Splat(v) * CoinWeightLast(weights));
      const float bet = (kWealth + others[3]) * others[2];

      const Float4 divisors = Splat(1) + (Sqrt(new_sums) * kLanes01 + new_sums * kLane2);
      const Float4 steps = (rates_ * along + kLane2 * Splat(bet)) / divisors;
      StoreFloat4(Bounded(weights * kLanes013 + steps), slot.weights);
      StoreFloat4(new_sums, slot.sums);
      StoreFloat4(others, slot.others);
      slot.scale = std::max(slot.scale, size);
    }

   private:
    static constexpr Float4 kLane2 = {0, 0, 1, 0};
    static constexpr Float4 kLane3 = {0, 0, 0, 1};
    static constexpr Float4 kLanes01 = {1, 1, 0, 0};
    static constexpr Float4 kLanes012 = {1, 1, 1, 0};
    static constexpr Float4 kLanes013 = {1, 1, 0, 1};

    // 1, 1, 1, the weight of coin betting.
    static Float4 CoinWeightLast(Float4 weights) {
      return __builtin_shufflevector(weights, Splat(1), 4, 5, 6, 2);
    }

    static Float4 Bounded(Float4 lanes) {
      return Min(Max(lanes, Splat(-kMaxWeight)), Splat(kMaxWeight));
    }

    Float4 along_;
    Float4 growth_;
    Float4 kept_;
    Float4 rates_;
    Float4 others_;
  };

  explicit Ensemble(const Options& /*options*/) {}

  // |x| as the members take it.
  static float SizeOf(float x) { return std::max(std::abs(x), kMinValue); }

  static bool IsValid(const Slot& slot) {
    bool valid = slot.scale >= 0 && slot.scale <= kMaxValue;
    for (const float weight : slot.weights) valid &= IsBoundedWeight(weight);
    for (const float number : slot.others) valid &= IsBoundedWeight(number);
    for (const float sum : slot.sums) valid &= IsBoundedSquareSum(sum);
    for (const float number : slot.unused) valid &= number == 0;
    return valid;
  }

 private:
  // P never reaches zero, however often a feature is seen.
  static constexpr float kMinSpread = 1e-6f;
};

}  // namespace freshet

#endif  // FRESHET_CORE_OPTIMIZER_ENSEMBLE_H_
