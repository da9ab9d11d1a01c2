// Logistic loss: log(1 + exp(-y s)) for a score s and a label y of -1 or +1.

#ifndef FRESHET_CORE_LOSS_LOGISTIC_H_
#define FRESHET_CORE_LOSS_LOGISTIC_H_

#include <algorithm>
#include <cmath>

#include "core/base/portable_math.h"
#include "core/loss/loss.h"
#include "core/loss/loss_kind.h"
#include "core/loss/margin_table.h"

namespace freshet {

// A label of 1 is positive; 0 and -1 are negative.
struct LogisticLoss {
  static constexpr LossKind kKind = LossKind::kLogistic;
  static constexpr float kScoreLimit = 50;

  static double Value(double score, float label) {
    const double margin = label > 0 ? score : -score;
    // Exp() only gets arguments <= 0, so that nothing overflows.
    return std::max(-margin, 0.0) + NaturalLog(1.0 + Exp(-std::abs(margin)));
  }

  // dValue / dscore. Uses RoughExp() because learning an example has to wait for the gradient of
  // the one before it.
  static float Gradient(float score, float label) {
    const float sign = label > 0 ? 1.0f : -1.0f;
    return -sign / (1.0f + RoughExp(sign * score));
  }

  static double Curvature(double score, float /*label*/) {
    const double exp_size = Exp(-std::abs(score));
    return exp_size / ((1.0 + exp_size) * (1.0 + exp_size));
  }

  // The probability of the positive label.
  static float Link(float score) {
    return static_cast<float>(1.0 / (1.0 + Exp(-static_cast<double>(score))));
  }

  // v = y s moves by dv = rate * sensitivity / (1 + e^v), so that v + e^v grows by their product.
  static double ImportanceStep(double score, float label, double rate, double sensitivity) {
    const double sign = label > 0 ? 1.0 : -1.0;
    const double importance = rate * sensitivity;
    const double margin = sign * score;
    const double exp_margin = Exp(margin);
    if (importance < kMinImportance) return sign * rate / (1.0 + exp_margin);
    // Written so that the division need not wait for MarginMove().
    return sign / sensitivity * MarginMove(importance, margin, exp_margin);
  }

 private:
  // How far v moves when v + e^v grows by `importance`, to a relative error below 2e-7. Starts from
  // the nearest point whose exponential is known: v itself, or a point of the table.
  static double MarginMove(double importance, double margin, double exp_margin) {
    if (importance < (1.0 + exp_margin) * (1.0 / 64)) return MoveFrom(exp_margin, importance);
    const double sum = margin + exp_margin + importance;
    if (!(sum >= MarginTable::kFirst && sum < MarginTable::kEnd)) return SolveMargin(sum) - margin;
    const MarginTable::Point point = MarginTable::Nearest(sum);
    return (point.s - point.w - margin) + MoveFrom(point.w, sum - point.s);
  }

  // How far log w moves when log w + w grows by r, |r| <= (1 + w) / 32: one step of Refined(),
  // whose error falls with the fourth power of r.
  static double MoveFrom(double w, double r) {
    const double t = 1.0 + w;
    const double u = 2.0 * t * (t + 2.0 / 3 * r);
    return r / t * (1.0 - w * r / (u - 2.0 * r));
  }

  // One step towards the w with log w + w = sum; see SolveMargin().
  static double Refined(double w, double sum) {
    const double r = sum - NaturalLog(w) - w;
    const double t = 1.0 + w;
    const double u = 2.0 * t * (t + 2.0 / 3 * r);
    return w * (1.0 + r / t * (u - r) / (u - 2.0 * r));
  }

  // The v with v + e^v = sum, to an error below 1e-12 * max(1, |v|). Solves for w = e^v by the
  // method of F. Fritsch, R. Shafer, W. Crowley: Solution of the transcendental equation we^w = x.
  // CACM 16(2), 1973. Rarely called, so not inlined.
  [[gnu::noinline]] static double SolveMargin(double sum) {
    double w = sum >= 1 ? 0.86 * sum + 0.01 : Exp(0.8 * sum - 0.65);
    for (int i = 0; i < 2; ++i) w = Refined(w, sum);
    return sum < 100 ? sum - w : NaturalLog(w);  // For large sums, sum - w would lose precision.
  }
};

}  // namespace freshet

#endif  // FRESHET_CORE_LOSS_LOGISTIC_H_
