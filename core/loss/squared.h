// Squared loss: (s - y)^2 for a score s and any finite label y.

#ifndef FRESHET_CORE_LOSS_SQUARED_H_
#define FRESHET_CORE_LOSS_SQUARED_H_

#include <limits>

#include "core/base/portable_math.h"
#include "core/loss/loss.h"
#include "core/loss/loss_kind.h"

namespace freshet {

struct SquaredLoss {
  static constexpr LossKind kKind = LossKind::kSquared;
  static constexpr float kScoreLimit = std::numeric_limits<float>::infinity();

  static double Value(double score, float label) {
    const double error = score - label;
    return error * error;
  }

  // dValue / dscore.
  static float Gradient(float score, float label) { return 2 * (score - label); }

  static double Curvature(double /*score*/, float /*label*/) { return 2; }

  // The prediction is the score.
  static float Link(float score) { return score; }

  // The error shrinks by the factor exp(-2 rate * sensitivity).
  static double ImportanceStep(double score, float label, double rate, double sensitivity) {
    const double importance = rate * sensitivity;
    const double error = label - score;
    if (importance < kMinImportance) return 2 * error * rate;
    return error * (1 - Exp(-2 * importance)) / sensitivity;
  }
};

}  // namespace freshet

#endif  // FRESHET_CORE_LOSS_SQUARED_H_
