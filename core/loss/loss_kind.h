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
};

// Whether labels are one of two classes, positive and negative.
inline constexpr bool IsBinary(LossKind loss) {
  return loss == LossKind::kLogistic || loss == LossKind::kHinge;
}

}  // namespace freshet

#endif  // FRESHET_CORE_LOSS_LOSS_KIND_H_
