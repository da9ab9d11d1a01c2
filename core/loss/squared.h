// Squared loss: (s - y)^2 for a score s and any finite label y.

#ifndef FRESHET_CORE_LOSS_SQUARED_H_
#define FRESHET_CORE_LOSS_SQUARED_H_

#include "core/loss/loss_kind.h"

namespace freshet {

struct SquaredLoss {
  static constexpr LossKind kKind = LossKind::kSquared;

  static double Value(double score, float label) {
    const double error = score - label;
    return error * error;
  }

  // dValue / dscore.
  static float Gradient(float score, float label) { return 2 * (score - label); }

  // The prediction is the score.
  static float Link(float score) { return score; }
};

}  // namespace freshet

#endif  // FRESHET_CORE_LOSS_SQUARED_H_
