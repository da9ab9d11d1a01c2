#include "core/model/factory.h"

#include "core/model/learners_by_loss.h"

namespace freshet {

absl::StatusOr<std::unique_ptr<Learner>> MakeLearner(const LearnerSpec& spec) {
  switch (spec.loss) {
    case LossKind::kLogistic:
      return MakeLogisticLearner(spec);
    case LossKind::kSquared:
      return MakeSquaredLearner(spec);
    case LossKind::kHinge:
      return MakeHingeLearner(spec);
    case LossKind::kPoisson:
      return MakePoissonLearner(spec);
    case LossKind::kQuantile:
      return MakeQuantileLearner(spec);
  }
  return absl::InternalError("unknown loss");
}

}  // namespace freshet
