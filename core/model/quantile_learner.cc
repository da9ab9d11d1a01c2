#include "core/loss/quantile.h"
#include "core/model/learners_by_loss.h"

namespace freshet {

absl::StatusOr<std::unique_ptr<Learner>> MakeQuantileLearner(const LearnerSpec& spec) {
  return internal::MakeLearnerFor(QuantileLoss(spec.quantile_tau), spec);
}

}  // namespace freshet
