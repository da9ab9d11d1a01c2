// Poisson loss for a count y >= 0 and a score s, where exp(s) is the expected count:
//
//   exp(s) - y - y (s - log y),
//
// which is half the deviance: the negative log-likelihood, less that of the best possible score.

#ifndef FRESHET_CORE_LOSS_POISSON_H_
#define FRESHET_CORE_LOSS_POISSON_H_

#include <algorithm>

#include "core/base/portable_math.h"
#include "core/loss/loss.h"
#include "core/loss/loss_kind.h"

namespace freshet {

// Scores above kScoreLimit count as kScoreLimit, a count of 7e10, so that nothing overflows.
struct PoissonLoss {
  static constexpr LossKind kKind = LossKind::kPoisson;
  static constexpr float kScoreLimit = 25;

  static double Value(double score, float label) {
    const double s = std::min(score, 1.0 * kScoreLimit);
    const double y = label;
    const double log_label = NaturalLog(std::max(y, kMinLabel));
    return std::max(0.0, Exp(s) - y - y * (s - log_label));
  }

  static float Gradient(float score, float label) {
    return static_cast<float>(Mean(score) - label);
  }

  static double Curvature(double score, float /*label*/) { return Mean(score); }

  // The expected count.
  static float Link(float score) { return static_cast<float>(Mean(score)); }

  // Solved in q = exp(-s), which follows a linear differential equation: it approaches 1 / y at the
  // rate y * sensitivity.
  static double ImportanceStep(double score, float label, double rate, double sensitivity) {
    const double importance = rate * sensitivity;
    const double mean = Mean(score);
    const double y = label;
    if (importance * std::max(mean, y) < kMinImportance) return (y - mean) * rate;
    if (y < 1e-6 * mean) return -NaturalLog(1 + mean * importance) / sensitivity;
    const double ratio = mean / y;
    return -NaturalLog(ratio + (1 - ratio) * Exp(-y * importance)) / sensitivity;
  }

 private:
  static constexpr double kMinLabel = 1e-300;

  static double Mean(double score) { return Exp(std::min(score, 1.0 * kScoreLimit)); }
};

}  // namespace freshet

#endif  // FRESHET_CORE_LOSS_POISSON_H_
