#ifndef FRESHET_CORE_LOSS_LOSS_KIND_H_
#define FRESHET_CORE_LOSS_LOSS_KIND_H_

namespace freshet {

// The loss that a learner minimises; it also sets what a prediction means.
enum class LossKind {
  // log(1 + exp(-y s)); labels: 1 is positive, 0 or -1 negative; predictions are probabilities.
  kLogistic,
  // (s - y)^2; labels: any finite number; predictions are values.
  kSquared,
};

}  // namespace freshet

#endif  // FRESHET_CORE_LOSS_LOSS_KIND_H_
