// The factory, cut by loss so that compiling it is spread over several files.

#ifndef FRESHET_CORE_MODEL_LEARNERS_BY_LOSS_H_
#define FRESHET_CORE_MODEL_LEARNERS_BY_LOSS_H_

#include <memory>
#include <variant>

#include "absl/status/statusor.h"
#include "core/model/learner.h"
#include "core/model/linear_learner.h"
#include "core/model/spec.h"

namespace freshet {

absl::StatusOr<std::unique_ptr<Learner>> MakeLogisticLearner(const LearnerSpec& spec);
absl::StatusOr<std::unique_ptr<Learner>> MakeSquaredLearner(const LearnerSpec& spec);

namespace internal {

// The optimizer that belongs to its options.
inline Sgd RuleOf(const Sgd::Options& options) { return Sgd(options); }
inline MiniBatch RuleOf(const MiniBatch::Options& options) { return MiniBatch(options); }
inline Momentum RuleOf(const Momentum::Options& options) { return Momentum(options); }
inline Nesterov RuleOf(const Nesterov::Options& options) { return Nesterov(options); }
inline AdaGrad RuleOf(const AdaGrad::Options& options) { return AdaGrad(options); }
inline RmsProp RuleOf(const RmsProp::Options& options) { return RmsProp(options); }
inline Adam RuleOf(const Adam::Options& options) { return Adam(options); }
inline Ftrl RuleOf(const Ftrl::Options& options) { return Ftrl(options); }

template <typename Loss>
absl::StatusOr<std::unique_ptr<Learner>> MakeLinearLearner(const LearnerSpec& spec) {
  return std::visit(
      [&](const auto& options) {
        using Rule = decltype(RuleOf(options));
        return LinearLearner<Loss, Rule>::Create(options, spec);
      },
      spec.optimizer);
}

}  // namespace internal
}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_LEARNERS_BY_LOSS_H_
