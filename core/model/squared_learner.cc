#include "core/loss/squared.h"
#include "core/model/learners_by_loss.h"

namespace freshet {

absl::StatusOr<std::unique_ptr<Learner>> MakeSquaredLearner(const LearnerSpec& spec) {
  return internal::MakeLearnerFor(SquaredLoss(), spec);
}

}  // namespace freshet
