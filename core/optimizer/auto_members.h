// The members of the mixture `auto`: six different rules that learn side by side. One slot holds
// everything that they know about a feature. The learner that uses them is in
// core/model/auto_learner.h.
//
// Every member sees a feature's value x as a share of the largest one so far, v = x / max |x|, in
// [-1, 1]. So numbers of any size suit all members, and weights need not change when a scale grows.
// g is the gradient of the loss at the member's own score, times the importance weight:
//
//   AdaGrad          G += (g v)^2;               w -= rate g v / (1 + sqrt(G))
//   fading AdaGrad   G = keep G + (g v)^2;       w -= rate g v / (1 + sqrt(G))
//   coin betting     z -= c v; A += |c v|; W -= c v w;  w = (wealth + W) z / (1 + A)
//                    with c = g / (the largest |g| of the stream, at least 1)
//   Newton           w += u P v;  P -= b (P v)^2;  P is initially 1
//                    a diagonal Gaussian belief about w, where k is the curvature of the loss,
//                    S = sum of P v^2 and b = k / (1 + k S). While the mixture finds that the
//                    belief is out of date, 1 - P shrinks with each example.
//   slow, fast SGD   w += u v
//
// u is the importance-aware step of the loss (loss.h): for Newton at the rate 1 and the sensitivity
// S, for SGD at its own rate and the sensitivity sum of v^2. So none of these overshoots.
//
// AdaGrad suits sparse, stationary events, and Newton suits small data. The others follow drift at
// several speeds; coin betting chooses its speed itself.
//
// Sources: J. Duchi, E. Hazan, Y. Singer. Adaptive Subgradient Methods for Online Learning and
// Stochastic Optimization. JMLR 12, 2011. F. Orabona, D. Pal. Coin Betting and Parameter-Free
// Online Learning. NIPS 2016. K. Crammer, A. Kulesza, M. Dredze. Adaptive Regularization of Weight
// Vectors. NIPS 2009. N. Karampatziakis, J. Langford. Online Importance Weight Aware Updates. UAI
// 2011. The rates were tuned jointly on six streams: census data, electricity prices, clicks,
// texts, flights and network traffic.

#ifndef FRESHET_CORE_OPTIMIZER_AUTO_MEMBERS_H_
#define FRESHET_CORE_OPTIMIZER_AUTO_MEMBERS_H_

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
  double share = 1e-4;  // In [0, 0.5]: of the weight, redistributed evenly after each example.
};

class AutoMembers {
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
    float weights[4];  // Of AdaGrad, fading AdaGrad, coin betting, Newton.
    float sums[4];     // G, fading G, A, 1 - P.
    float others[4];   // The weights of slow and fast SGD; coin betting's z and W.
    float scale;       // The largest |x| so far.
    float unused[3];
  };

  // The sums over the features of one example from which the members' scores are computed.
  class Sums {
   public:
    // Adds a feature and returns its v. REQUIRES: size == SizeOf(x).
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

    // The sum of w v for a member. Infinite or NaN if a value was.
    float Of(size_t member) const { return member < 4 ? head_[member] : tail_[member - 4]; }
    float norm() const { return norm_; }      // The sum of v^2.
    float spread() const { return spread_; }  // The sum of P v^2.

   private:
    Float4 head_ = {0, 0, 0, 0};
    Float4 tail_ = {0, 0, 0, 0};  // The last two lanes are meaningless.
    float norm_ = 0;
    float spread_ = 0;
  };

  // One step of all members, the same for all features of an example.
  class Step {
   public:
    // What the members learn, in the symbols above. Members that are switched off have zeros.
    struct Parts {
      float adagrad = 0;  // g
      float fading = 0;   // g
      float coin = 0;     // c
      float newton = 0;   // u
      float shrink = 0;   // b
      float keep = 1;     // the factor for 1 - P; below 1 while the belief is out of date
      float slow = 0;     // u
      float fast = 0;     // u
    };

    explicit Step(const Parts& parts)
        : along_{parts.adagrad, parts.fading, parts.coin, 1},
          growth_{1, 1, 0, parts.shrink},
          kept_{1, kKeep, 1, parts.keep},
          rates_{-kAdaGradRate, -kFadingRate, 0, parts.newton},
          others_{parts.slow, parts.fast, -parts.coin, -parts.coin} {}

    // Steps the slot of a feature. `v` is what Sums::Add() returned for it, given the same `size`.
    // Lanes are as in the slot.
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

    // The lanes 1, 1, 1, and the weight of coin betting.
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

  explicit AutoMembers(const Options& /*options*/) {}

  // |x|, but at least kMinValue.
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

#endif  // FRESHET_CORE_OPTIMIZER_AUTO_MEMBERS_H_
