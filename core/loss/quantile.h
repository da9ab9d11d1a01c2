// Quantile (pinball) loss: tau (y - s) for a score s below the label y, (1 - tau) (s - y) above it.
// The tau-quantile of the labels minimises it.

#ifndef FRESHET_CORE_LOSS_QUANTILE_H_
#define FRESHET_CORE_LOSS_QUANTILE_H_

#include <algorithm>
#include <limits>

#include "core/loss/loss.h"
#include "core/loss/loss_kind.h"

namespace freshet {

class QuantileLoss {
 public:
  static constexpr LossKind kKind = LossKind::kQuantile;
  static constexpr float kScoreLimit = std::numeric_limits<float>::infinity();

  // REQUIRES: 0 < tau < 1.
  explicit QuantileLoss(double tau) : tau_(tau) {}

  double Value(double score, float label) const {
    const double error = label - score;
    return error > 0 ? tau_ * error : (tau_ - 1) * error;
  }

  float Gradient(float score, float label) const {
    if (score == label) return 0;
    return static_cast<float>(score < label ? -tau_ : 1 - tau_);
  }

  double Curvature(double score, float label) const {
    const double gradient = Gradient(static_cast<float>(score), label);
    return gradient * gradient;
  }

  // The prediction is the score.
  static float Link(float score) { return score; }

  // The score moves towards the label and stops there.
  double ImportanceStep(double score, float label, double rate, double sensitivity) const {
    const double error = label - score;
    if (error == 0) return 0;
    const double u = (error > 0 ? tau_ : tau_ - 1) * rate;
    const bool overshoots = std::max(u, -u) * sensitivity > std::max(error, -error);
    return overshoots ? error / sensitivity : u;
  }

 private:
  double tau_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_LOSS_QUANTILE_H_
