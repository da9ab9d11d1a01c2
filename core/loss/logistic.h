// Logistic loss: log(1 + exp(-y s)) for a score s and a label y of -1 or +1.

#ifndef FRESHET_CORE_LOSS_LOGISTIC_H_
#define FRESHET_CORE_LOSS_LOGISTIC_H_

#include <algorithm>
#include <cmath>

#include "core/base/portable_math.h"
#include "core/loss/loss_kind.h"

namespace freshet {

// Labels: 1 is positive; 0 and -1 are negative.
struct LogisticLoss {
  static constexpr LossKind kKind = LossKind::kLogistic;

  static double Value(double score, float label) {
    const double margin = label > 0 ? score : -score;
    // Of exp only arguments <= 0 are taken, so that nothing overflows.
    return std::max(-margin, 0.0) + Log(1.0 + Exp(-std::abs(margin)));
  }

  // dValue / dscore.
  static float Gradient(float score, float label) {
    const double sign = label > 0 ? 1.0 : -1.0;
    return static_cast<float>(-sign / (1.0 + Exp(sign * score)));
  }

  // The probability of the positive label.
  static float Link(float score) {
    return static_cast<float>(1.0 / (1.0 + Exp(-static_cast<double>(score))));
  }
};

}  // namespace freshet

#endif  // FRESHET_CORE_LOSS_LOGISTIC_H_
