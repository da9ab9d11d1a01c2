#include "core/loss/poisson.h"
#include "core/model/learners_by_loss.h"

namespace freshet {

absl::StatusOr<std::unique_ptr<Learner>> MakePoissonLearner(const LearnerSpec& spec) {
  return internal::MakeLearnerFor(PoissonLoss(), spec);
}

}  // namespace freshet
