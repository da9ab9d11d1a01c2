// The losses of Vowpal Wabbit, whose labels and steps differ from ours in details, for models that
// must give the same numbers. The loss is chosen at run time, since these models are not worth a
// copy of each learner for each loss.
//
//   squared    (s - y)^2
//   classic    the same, with a plain step instead of the importance-aware one
//   logistic   a log(1 + e^-s) + (1 - a) log(1 + e^s), where a = (y + 1) / 2 and y is in [-1, 1]
//   hinge      max(0, 1 - y s), for any y
//   poisson    2 (y (log(y + 1e-6) - s) - y + e^s), the deviance
//   quantile   tau (y - s) above the score, (1 - tau) (s - y) below it
//   expectile  (s - y)^2 times 1 - q above the score, times q below it
//
// Sources: N. Karampatziakis, J. Langford. Online Importance Weight Aware Updates. UAI 2011, for
// the steps. W. Newey, J. Powell. Asymmetric Least Squares Estimation and Testing. Econometrica 55,
// 1987, for expectiles. What is particular to Vowpal Wabbit was found by comparing numbers with its
// version 9.11.2.

#ifndef FRESHET_CORE_LOSS_VW_LOSS_H_
#define FRESHET_CORE_LOSS_VW_LOSS_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "core/base/portable_math.h"
#include "core/loss/loss.h"
#include "core/loss/loss_kind.h"
#include "core/loss/quantile.h"
#include "core/loss/squared.h"

namespace freshet {

// What turns a score into a prediction.
enum class VwLink : uint8_t {
  kIdentity,
  kLogistic,  // 1 / (1 + e^-s)
  kGlf1,      // 2 / (1 + e^-s) - 1
  kPoisson,   // e^s
  kSign,      // 1 or -1
};

struct VwLossOptions {
  // One of kSquared, kShareLogistic, kMarginHinge, kDeviance, kQuantile, kExpectile.
  LossKind kind = LossKind::kSquared;
  bool is_classic = false;  // Only for kSquared.
  double parameter = 0.5;   // In (0, 1): tau or q.
  VwLink link = VwLink::kIdentity;
};

class VwLoss {
 public:
  // Stands in where a constant is needed; see kind().
  static constexpr LossKind kKind = LossKind::kSquared;
  static constexpr float kScoreLimit = std::numeric_limits<float>::infinity();

  explicit VwLoss(const VwLossOptions& options) : options_(options) {}

  LossKind kind() const { return options_.kind; }

  double Value(double s, float y) const {
    switch (options_.kind) {
      case LossKind::kShareLogistic: {
        const double share = ShareOf(y);
        return share * SoftPlus(-s) + (1 - share) * SoftPlus(s);
      }
      case LossKind::kMarginHinge:
        return std::max(0.0, 1 - y * s);
      case LossKind::kDeviance:
        return 2 * (y * (NaturalLog(y + 1e-6) - s) - y + Exp(s));
      case LossKind::kQuantile:
        return QuantileLoss(options_.parameter).Value(s, y);
      default:
        return (s - y) * (s - y) * Asymmetry(s, y);
    }
  }

  // Whether the loss is above 0 in single precision. Other examples are not learned.
  bool IsPositive(float s, float y) const {
    if (options_.kind != LossKind::kShareLogistic) return Value(s, y) > 0;
    const double share = ShareOf(y);
    return (share > 0 && IsSoftPlusPositive(-s)) || (share < 1 && IsSoftPlusPositive(s));
  }

  // dValue / ds.
  float Gradient(float s, float y) const {
    switch (options_.kind) {
      case LossKind::kShareLogistic:
        return static_cast<float>(1 / (1 + Exp(-1.0 * s)) - ShareOf(y));
      case LossKind::kMarginHinge:
        return y * s >= 1 ? 0 : -y;
      case LossKind::kDeviance:  // Of half the deviance, as Vowpal Wabbit learns it.
        return static_cast<float>(Exp(s) - y);
      case LossKind::kQuantile:
        return QuantileLoss(options_.parameter).Gradient(s, y);
      default:
        return static_cast<float>(2 * (s - y) * Asymmetry(s, y));
    }
  }

  double Curvature(double s, float y) const {
    const double gradient = Gradient(static_cast<float>(s), y);
    return gradient * gradient;
  }

  float Link(float s) const {
    switch (options_.link) {
      case VwLink::kLogistic:
        return static_cast<float>(1 / (1 + Exp(-Bounded(s))));
      case VwLink::kGlf1:
        return static_cast<float>(2 / (1 + Exp(-Bounded(s))) - 1);
      case VwLink::kPoisson:
        return static_cast<float>(Exp(std::min(1.0 * s, 80.0)));
      case VwLink::kSign:
        return s > 0 ? 1.0f : -1.0f;
      default:
        return s;
    }
  }

  // See LossFunction.
  double ImportanceStep(double s, float y, double rate, double sensitivity) const {
    switch (options_.kind) {
      case LossKind::kShareLogistic: {
        const double share = ShareOf(y);
        return (share > 0 ? share * LogisticStep(s, 1, rate, sensitivity) : 0) +
               (share < 1 ? (1 - share) * LogisticStep(s, -1, rate, sensitivity) : 0);
      }
      case LossKind::kMarginHinge: {
        const double gap = 1 - y * s;
        if (gap <= 0) return 0;
        return y * (rate * sensitivity < gap ? rate : gap / sensitivity);
      }
      case LossKind::kDeviance:
        return PoissonStep(s, y, rate, sensitivity);
      case LossKind::kQuantile:
        return QuantileLoss(options_.parameter).ImportanceStep(s, y, rate, sensitivity);
      default:
        if (options_.is_classic) return 2 * (y - s) * rate;
        return SquaredLoss::ImportanceStep(s, y, rate * Asymmetry(s, y), sensitivity);
    }
  }

 private:
  static double Bounded(double s) { return std::min(std::max(s, -80.0), 80.0); }

  static double ShareOf(float y) { return (1.0 * y + 1) / 2; }
  // log(1 + e^x)
  static double SoftPlus(double x) { return std::max(x, 0.0) + NaturalLog(1 + Exp(-std::abs(x))); }
  static bool IsSoftPlusPositive(float x) {
    return 1.0f + static_cast<float>(Exp(std::min(1.0 * x, 80.0))) > 1.0f;
  }

  double Asymmetry(double s, float y) const {
    if (options_.kind != LossKind::kExpectile) return 1;
    return y < s ? options_.parameter : 1 - options_.parameter;
  }

  // The margin v = y s moves to where v + e^v has grown by rate * sensitivity. Solved for w = e^v
  // by one step of the method that logistic.h names, as in Vowpal Wabbit, with an error below 9e-5.
  static double LogisticStep(double s, double y, double rate, double sensitivity) {
    const double importance = rate * sensitivity;
    const double exp_margin = Exp(y * s);
    if (importance < kMinImportance) return y * rate / (1 + exp_margin);
    const double sum = importance + y * s + exp_margin;
    const double w = sum >= 1 ? 0.86 * sum + 0.01 : Exp(std::max(0.8 * sum - 0.65, -700.0));
    const double r = sum >= 1 ? sum - NaturalLog(w) - w : 0.2 * sum + 0.65 - w;
    const double t = 1 + w;
    const double u = 2 * t * (t + 2 * r / 3);
    const double refined = w * (1 + r / t * (u - r) / (u - 2 * r));
    return (y * (sum - refined) - s) / sensitivity;
  }

  // Solved as in poisson.h.
  static double PoissonStep(double s, float y, double rate, double sensitivity) {
    const double importance = rate * sensitivity;
    const double mean = Exp(s);
    if (importance * std::max(mean, 1.0 * y) < kMinImportance) return (y - mean) * rate;
    if (!(y > 0)) return -NaturalLog(1 + mean * importance) / sensitivity;
    const double growth = Exp(std::min(y * importance, 600.0)) - 1;
    return y * rate - NaturalLog(1 + mean * growth / y) / sensitivity;
  }

  VwLossOptions options_;
};

static_assert(LossFunction<VwLoss>);

}  // namespace freshet

#endif  // FRESHET_CORE_LOSS_VW_LOSS_H_
