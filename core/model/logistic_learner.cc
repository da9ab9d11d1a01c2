#include "core/loss/logistic.h"
#include "core/model/learners_by_loss.h"

namespace freshet {

absl::StatusOr<std::unique_ptr<Learner>> MakeLogisticLearner(const LearnerSpec& spec) {
  return internal::MakeLearnerFor(LogisticLoss(), spec);
}

}  // namespace freshet
