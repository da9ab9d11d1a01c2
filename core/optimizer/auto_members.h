// The members of the mixture `auto`: six different rules that learn side by side. One slot holds
// everything that they know about a feature. The learner that uses them is in
// core/model/auto_learner.h.
//
// Every member sees a feature's value x as a share of its scale, v = x / scale, in [-1, 1]. So
// numbers of any size suit all members, and weights need not change when a scale grows. The scale
// is that of value_scale.h; a value beyond it counts as 1 or -1. g is the gradient of the loss at
// the member's own score, times the importance weight in units of weight_unit.h:
//
//   AdaGrad          G += (g v)^2;               w -= rate c g v / (1 + sqrt(G))
//   fading AdaGrad   r = 1 / sqrt(keep F + e v^2);  w += u r v;  F = keep F + (g v)^2
//                    normalised adaptive updates (nag.h) that forget, where e is the mean of g^2
//   coin betting     z -= b v; A += |b v|; W -= b v w;  w = (wealth + W) z / (1 + A)
//                    with b = g / (the largest |g| lately, at least 1)
//   Newton           w += u P v;  P -= d (P v)^2;  P is initially 1
//                    a diagonal Gaussian belief about w, where k is the curvature of the loss,
//                    S = sum of P v^2 and d = k / (1 + k S). While the mixture finds that the
//                    belief is out of date, 1 - P shrinks with each example.
//   slow, fast SGD   w += u v
//
// c = sqrt(T / N) for T examples with N features in all (mean_norm.h), so that the score of a long
// row does not move more than that of a short one. u is the importance-aware step of the loss
// (loss.h): for Newton at the rate 1 and the sensitivity S, for SGD at its own rate and the
// sensitivity sum of v^2, for fading AdaGrad at the sensitivity sum of r v^2 and a rate that begins
// at 0.6 c and slowly approaches 2, since in the long run it is there to follow drift. So none of
// these overshoots.
//
// AdaGrad suits sparse, stationary events, fading AdaGrad learns fastest at first, and Newton suits
// small data. The others follow drift at several speeds; coin betting chooses its speed itself.
//
// These are the rules of models that are made now. Models of earlier versions keep the rules under
// which they began (AutoRules::kFirst): the scale and the largest |g| are those of the whole
// stream, weights are taken as they come, and the AdaGrads are
//
//   AdaGrad          G += (g v)^2;               w -= rate g v / (1 + sqrt(G))
//   fading AdaGrad   F = keep F + (g v)^2;       w -= rate g v / (1 + sqrt(F))
//
// Sources: J. Duchi, E. Hazan, Y. Singer. Adaptive Subgradient Methods for Online Learning and
// Stochastic Optimization. JMLR 12, 2011. S. Ross, P. Mineiro, J. Langford. Normalized Online
// Learning. UAI 2013. F. Orabona, D. Pal. Coin Betting and Parameter-Free Online Learning. NIPS
// 2016. K. Crammer, A. Kulesza, M. Dredze. Adaptive Regularization of Weight Vectors. NIPS 2009. N.
// Karampatziakis, J. Langford. Online Importance Weight Aware Updates. UAI 2011. The rates were
// tuned jointly on streams of census data, electricity prices, clicks, texts, flights and network
// traffic, and on generated ones.

#ifndef FRESHET_CORE_OPTIMIZER_AUTO_MEMBERS_H_
#define FRESHET_CORE_OPTIMIZER_AUTO_MEMBERS_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "core/base/float4.h"
#include "core/optimizer/bounds.h"
#include "core/optimizer/value_scale.h"

namespace freshet {

// The versions of the rules. A model keeps those under which it was created, because they decide
// what a replay of its log gives. Numbers are part of specs and never change.
enum class AutoRules : uint8_t { kFirst = 1, kSecond = 2 };
inline constexpr AutoRules kNewestAutoRules = AutoRules::kSecond;

// Which parts the mixture has. REQUIRES: at least one member.
struct AutoOptions {
  bool adagrad = true;
  bool fading_adagrad = true;
  bool coin = true;
  bool newton = true;
  bool slow_sgd = true;
  bool fast_sgd = true;
  bool mixers = true;
  bool base_rate = true;  // Not under the first rules.
  double share = 1e-4;    // In [0, 0.5]: of the weight, redistributed evenly after each example.
  AutoRules rules = kNewestAutoRules;
};

// What is the same under all rules.
struct AutoMembersBase {
  // Members, in the order of their scores.
  enum Member : uint8_t { kAdaGrad, kFadingAdaGrad, kCoin, kNewton, kSlowSgd, kFastSgd };
  static constexpr size_t kMemberCount = 6;

  static constexpr float kNewtonKeep = 0.98f;
  static constexpr float kSlowRate = 0.02f;
  static constexpr float kFastRate = 0.1f;

  struct alignas(64) Slot {
    float weights[4];   // Of AdaGrad, fading AdaGrad, coin betting, Newton.
    float sums[4];      // G, F, A, 1 - P.
    float others[4];    // The weights of slow and fast SGD; coin betting's z and W.
    ValueScale values;  // Under the first rules, only `scale` is not 0: the largest |x| so far.
  };
  static_assert(sizeof(Slot) == 64);
};

template <AutoRules rules>
class AutoMembers : public AutoMembersBase {
 public:
  using Options = AutoOptions;

  static constexpr bool kIsFirst = rules == AutoRules::kFirst;
  static constexpr uint8_t kStateId = kIsFirst ? 14 : 15;

  static constexpr float kAdaGradRate = kIsFirst ? 0.2f : 0.8f;
  static constexpr float kFadingRate = 1;  // Under the first rules.

  // The rate of fading AdaGrad after this many examples, given c. Not under the first rules.
  static double FadingRate(double factor, double examples) {
    const double first = kFirstFadingRate * factor;
    return first + (kLastFadingRate - first) * examples / (examples + kFadingExampleCount);
  }

  // The sums over the features of one example from which the members' scores are computed.
  class Sums {
   public:
    // Adds a feature and returns its v. REQUIRES: size == SizeOf(x).
    float Add(const Slot& slot, float x, float size) {
      const float v = x / std::max(slot.values.scale, size);
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

  // Turns the F of features into their r, for the e of the example, and returns the sum of r v^2.
  // There are `size` of them in `v` and `paces`, and room for up to three more. Not needed under
  // the first rules.
  static float ToPaces(size_t size, float mean_square, float* v, float* paces) {
    for (size_t i = size; i % 4 != 0; ++i) {
      v[i] = 0;
      paces[i] = 1;
    }
    Float4 sums = {0, 0, 0, 0};
    for (size_t i = 0; i < size; i += 4) {
      const Float4 shares = LoadFloat4(v + i);
      const Float4 squares = shares * shares;
      const Float4 roots =
          Sqrt(Splat(kKeep) * LoadFloat4(paces + i) + Splat(mean_square) * squares);
      const Float4 result = Splat(1) / Max(roots, Splat(kMinRoot));
      StoreFloat4(result, paces + i);
      sums += result * squares;
    }
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
  }

  // One step of all members, the same for all features of an example.
  class Step {
   public:
    // What the members learn, in the symbols above. Members that are switched off have zeros.
    struct Parts {
      float adagrad = 0;  // g
      float fading = 0;   // g
      float factor = 1;   // c; 1 under the first rules
      float faded = 0;    // u; 0 under the first rules
      float coin = 0;     // b
      float newton = 0;   // u
      float shrink = 0;   // d
      float keep = 1;     // the factor for 1 - P; below 1 while the belief is out of date
      float slow = 0;     // u
      float fast = 0;     // u
    };

    explicit Step(const Parts& parts)
        : along_{parts.adagrad, parts.fading, parts.coin, 1},
          growth_{1, 1, 0, parts.shrink},
          kept_{1, kKeep, 1, parts.keep},
          rates_{-kAdaGradRate * parts.factor, kIsFirst ? -kFadingRate : 0, 0, parts.newton},
          others_{parts.slow, parts.fast, -parts.coin, -parts.coin},
          faded_(parts.faded) {}

    // Steps the slot of a feature. `v` is what Sums::Add() returned for it, given the same `size`,
    // and `pace` is its r. Lanes are as in the slot.
    void Apply(float v, float pace, float size, Slot& slot) const {
      const Float4 weights = LoadFloat4(slot.weights);
      const Float4 sums = LoadFloat4(slot.sums);
      // g v, g v, b v, P v.
      const Float4 spread = Max(Splat(1) - sums, Splat(kMinSpread));
      const Float4 along = along_ * Splat(v) * (spread * kLane3 + kLanes012);
      const Float4 size_of_along = Max(along, -along);
      const Float4 new_sums = sums * kept_ + (along * along * growth_ + size_of_along * kLane2);

      const Float4 others =
          Bounded(LoadFloat4(slot.others) + others_ * Splat(v) * CoinWeightLast(weights));
      const float bet = (kWealth + others[3]) * others[2];

      const Float4 divisors = Splat(1) + (Sqrt(new_sums) * kRooted + new_sums * kLane2);
      const Float4 direct = kIsFirst ? kLane2 * Splat(bet) : Float4{0, faded_ * pace * v, bet, 0};
      const Float4 steps = (rates_ * along + direct) / divisors;
      StoreFloat4(Bounded(weights * kLanes013 + steps), slot.weights);
      StoreFloat4(new_sums, slot.sums);
      StoreFloat4(others, slot.others);
      if constexpr (kIsFirst) {
        slot.values.scale = std::max(slot.values.scale, size);
      } else {
        slot.values = slot.values.After(size);
      }
    }

   private:
    static constexpr Float4 kLane2 = {0, 0, 1, 0};
    static constexpr Float4 kLane3 = {0, 0, 0, 1};
    // The lanes whose sums are of squares that divide their steps.
    static constexpr Float4 kRooted = {1, kIsFirst ? 1.0f : 0.0f, 0, 0};
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
    float faded_;
  };

  explicit AutoMembers(const Options& /*options*/) {}

  // |x|, but at least kMinValue.
  static float SizeOf(float x) { return std::max(std::abs(x), kMinValue); }

  static bool IsValid(const Slot& slot) {
    const ValueScale& values = slot.values;
    bool valid = values.scale >= 0 && values.scale <= kMaxValue;
    valid &=
        kIsFirst ? values.mean == 0 && values.recent == 0 && values.count == 0 : values.IsValid();
    for (const float weight : slot.weights) valid &= IsBoundedWeight(weight);
    for (const float number : slot.others) valid &= IsBoundedWeight(number);
    for (const float sum : slot.sums) valid &= IsBoundedSquareSum(sum);
    return valid;
  }

 private:
  static constexpr double kFirstFadingRate = 0.6;
  static constexpr double kLastFadingRate = 2;
  static constexpr double kFadingExampleCount = 200000;
  static constexpr float kKeep = 0.999f;
  static constexpr float kWealth = 0.5f;
  // P never reaches zero, however often a feature is seen.
  static constexpr float kMinSpread = 1e-6f;
  // Keeps r finite for a feature that has not had a gradient yet.
  static constexpr float kMinRoot = 1e-15f;
};

}  // namespace freshet

#endif  // FRESHET_CORE_OPTIMIZER_AUTO_MEMBERS_H_
