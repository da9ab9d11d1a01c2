// The losses that there are.

#ifndef FRESHET_CORE_LOSS_LOSS_KIND_H_
#define FRESHET_CORE_LOSS_LOSS_KIND_H_

namespace freshet {

// The loss that a learner minimises; it also sets what a prediction means. Saved states contain
// these numbers, so they must not change.
enum class LossKind {
  // log(1 + exp(-y s)); labels: 1 is positive, 0 or -1 negative; predictions are probabilities.
  kLogistic = 0,
  // (s - y)^2; labels: any finite number; predictions are values.
  kSquared = 1,
  // max(0, 1 - y s); labels as for kLogistic; predictions are scores, above 0 for positive.
  kHinge = 2,
  // exp(s) - y s, plus a term that depends only on y; labels: counts, or any finite number >= 0;
  // predictions are expected counts.
  kPoisson = 3,
  // tau (y - s) above the score, (1 - tau) (s - y) below it; labels: any finite number; predictions
  // are tau-quantiles.
  kQuantile = 4,

  // The rest are those of models that follow Vowpal Wabbit; see vw_loss.h.

  // (s - y)^2 times 1 - q if the label is above the score, times q if it is below; labels: any
  // finite number.
  kExpectile = 5,
  // Logistic loss for labels in [-1, 1]: a label y is positive with the share (y + 1) / 2.
  kShareLogistic = 6,
  // max(0, 1 - y s) for any finite y.
  kMarginHinge = 7,
  // Twice kPoisson, that is, the deviance.
  kDeviance = 8,
  // 1 if the sign of the score differs from that of the label, which is 1 or -1, else 0. Only
  // reported, never minimised.
  kZeroOne = 9,
  // As kSquared and kQuantile.
  kVwSquared = 10,
  kVwQuantile = 11,
};

// Whether the loss is that of a model that follows Vowpal Wabbit, which learns features in the
// order in which they were sent.
inline constexpr bool IsOfVw(LossKind loss) { return loss >= LossKind::kExpectile; }

// Whether labels are of two classes, positive and negative.
inline constexpr bool IsBinary(LossKind loss) {
  return loss == LossKind::kLogistic || loss == LossKind::kHinge ||
         loss == LossKind::kShareLogistic || loss == LossKind::kMarginHinge ||
         loss == LossKind::kZeroOne;
}

}  // namespace freshet

#endif  // FRESHET_CORE_LOSS_LOSS_KIND_H_
