// Losses as in textbooks, in double precision.

#ifndef FRESHET_TESTS_SUPPORT_REFERENCE_LOSS_H_
#define FRESHET_TESTS_SUPPORT_REFERENCE_LOSS_H_

#include <vector>

#include "core/loss/loss_kind.h"

namespace freshet {

struct ReferenceLoss {
  // The score, cut to the range in which it has a meaning. For losses of numbers that is the range
  // of the labels seen.
  double Clip(double score, const std::vector<double>& labels) const;

  double Value(double score, double label) const;
  double Gradient(double score, double label) const;

  // How far u gets when the score follows -Gradient() for the time `rate`, moving by `sensitivity`
  // per unit of u. Integrated in many small steps.
  double ImportanceStep(double score, double label, double rate, double sensitivity) const;

  LossKind kind = LossKind::kLogistic;
  double tau = 0.5;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_REFERENCE_LOSS_H_
