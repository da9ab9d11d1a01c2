#include "core/model/factory.h"

#include <utility>
#include <variant>

#include "core/model/featured_learner.h"
#include "core/model/learners_by_loss.h"

namespace freshet {
namespace {

// Makes a learner without the spec's feature options.
absl::StatusOr<std::unique_ptr<Learner>> MakePlainLearner(const LearnerSpec& spec) {
  if (spec.vw) return MakeVwLearner(spec);
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
    default:  // The losses of Vowpal Wabbit.
      break;
  }
  return absl::InternalError("unknown loss");
}

}  // namespace

absl::StatusOr<std::unique_ptr<Learner>> MakeLearner(const LearnerSpec& spec) {
  absl::StatusOr<std::unique_ptr<Learner>> learner = MakePlainLearner(spec);
  if (!learner.ok() || spec.features.empty()) return learner;
  return FeaturedLearner::Create(spec.features, spec.linear.bits, *std::move(learner));
}

bool SupportsCorrections(const OptimizerOptions& options) {
  const auto is_correctable = [](const auto& rule_options) {
    if constexpr (requires { internal::RuleOf(rule_options); }) {
      return CorrectableOptimizer<decltype(internal::RuleOf(rule_options))>;
    } else {
      return false;
    }
  };
  return std::visit(is_correctable, options);
}

}  // namespace freshet
