#include "tests/support/reference_loss.h"

#include <algorithm>
#include <cmath>

namespace freshet {

double ReferenceLoss::Clip(double score, const std::vector<double>& labels) const {
  switch (kind) {
    case LossKind::kLogistic:
      return std::clamp(score, -50.0, 50.0);
    case LossKind::kHinge:
      return std::clamp(score, -1.0, 1.0);
    case LossKind::kPoisson:
      return std::clamp(score, -25.0, 25.0);
    case LossKind::kSquared:
    case LossKind::kQuantile:
    default:  // No reference covers the losses of vw_loss.h.
      break;
  }
  if (labels.empty()) return score;
  const auto [min, max] = std::minmax_element(labels.begin(), labels.end());
  return std::clamp(score, *min, *max);
}

double ReferenceLoss::Value(double score, double label) const {
  const double y = label > 0 ? 1 : -1;
  const double error = label - score;
  switch (kind) {
    case LossKind::kLogistic:
      return std::log(1 + std::exp(-y * score));
    case LossKind::kSquared:
      return error * error;
    case LossKind::kHinge:
      return std::max(0.0, 1 - y * score);
    case LossKind::kPoisson:
      return std::exp(score) - label - label * score + (label > 0 ? label * std::log(label) : 0);
    case LossKind::kQuantile:
      return error > 0 ? tau * error : (tau - 1) * error;
    default:  // No reference covers the losses of vw_loss.h.
      break;
  }
  return 0;
}

double ReferenceLoss::Gradient(double score, double label) const {
  const double y = label > 0 ? 1 : -1;
  switch (kind) {
    case LossKind::kLogistic:
      return -y / (1 + std::exp(y * score));
    case LossKind::kSquared:
      return 2 * (score - label);
    case LossKind::kHinge:
      return y * score < 1 ? -y : 0;
    case LossKind::kPoisson:
      return std::exp(score) - label;
    case LossKind::kQuantile:
      if (score == label) return 0;
      return score < label ? -tau : 1 - tau;
    default:  // No reference covers the losses of vw_loss.h.
      break;
  }
  return 0;
}

double ReferenceLoss::ImportanceStep(double score, double label, double rate,
                                     double sensitivity) const {
  // Losses with a kink move straight to the kink and stay there.
  if (kind == LossKind::kHinge || kind == LossKind::kQuantile) {
    const double target = kind == LossKind::kQuantile ? label : (label > 0 ? 1 : -1);
    const double u = -rate * Gradient(score, label);
    if (u == 0 || std::abs(u) * sensitivity <= std::abs(target - score)) return u;
    return (target - score) / sensitivity;
  }
  // The Runge-Kutta method, with steps that are short beside the time in which the gradient
  // changes.
  const double stiffness =
      rate * sensitivity * (2 + (kind == LossKind::kPoisson ? std::exp(score) + label : 0));
  const int steps = static_cast<int>(std::min(64 + 16 * stiffness, 1e6));
  const double h = rate / steps;
  double u = 0;
  const auto slope = [&](double at) { return -Gradient(score + sensitivity * at, label); };
  for (int i = 0; i < steps; ++i) {
    const double k1 = slope(u);
    const double k2 = slope(u + h / 2 * k1);
    const double k3 = slope(u + h / 2 * k2);
    const double k4 = slope(u + h * k3);
    u += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
  }
  return u;
}

}  // namespace freshet
