// Hinge loss: max(0, 1 - y s) for a score s and a label y of -1 or +1.

#ifndef FRESHET_CORE_LOSS_HINGE_H_
#define FRESHET_CORE_LOSS_HINGE_H_

#include <algorithm>

#include "core/loss/loss.h"
#include "core/loss/loss_kind.h"

namespace freshet {

// A label of 1 is positive; 0 and -1 are negative.
struct HingeLoss {
  static constexpr LossKind kKind = LossKind::kHinge;
  static constexpr float kScoreLimit = 1;

  static double Value(double score, float label) {
    return std::max(0.0, 1.0 - (label > 0 ? score : -score));
  }

  static float Gradient(float score, float label) {
    if (label > 0) return score < 1 ? -1.0f : 0.0f;
    return score > -1 ? 1.0f : 0.0f;
  }

  static double Curvature(double score, float label) { return Value(score, label) > 0 ? 1 : 0; }

  // The prediction is the score; its sign is the class.
  static float Link(float score) { return score; }

  // The score moves towards the margin and stops there.
  static double ImportanceStep(double score, float label, double rate, double sensitivity) {
    const double gap = Value(score, label);
    if (gap == 0) return 0;
    const double u = rate * sensitivity < gap ? rate : gap / sensitivity;
    return label > 0 ? u : -u;
  }
};

}  // namespace freshet

#endif  // FRESHET_CORE_LOSS_HINGE_H_
