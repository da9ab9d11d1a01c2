#include "core/loss/hinge.h"
#include "core/model/learners_by_loss.h"

namespace freshet {

absl::StatusOr<std::unique_ptr<Learner>> MakeHingeLearner(const LearnerSpec& spec) {
  return internal::MakeLearnerFor(HingeLoss(), spec);
}

}  // namespace freshet
