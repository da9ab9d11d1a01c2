// The factory's functions for each loss, split up so that their compilation is spread over several
// files.

#ifndef FRESHET_CORE_MODEL_LEARNERS_BY_LOSS_H_
#define FRESHET_CORE_MODEL_LEARNERS_BY_LOSS_H_

#include <memory>
#include <variant>

#include "absl/status/statusor.h"
#include "core/loss/loss.h"
#include "core/model/auto_learner.h"
#include "core/model/coin_learner.h"
#include "core/model/learner.h"
#include "core/model/linear_learner.h"
#include "core/model/nag_learner.h"
#include "core/model/spec.h"

namespace freshet {

// Each makes a learner for its loss. RESOURCE_EXHAUSTED if there is not enough memory. REQUIRES:
// spec.loss is the loss of the function.
absl::StatusOr<std::unique_ptr<Learner>> MakeLogisticLearner(const LearnerSpec& spec);
absl::StatusOr<std::unique_ptr<Learner>> MakeSquaredLearner(const LearnerSpec& spec);
absl::StatusOr<std::unique_ptr<Learner>> MakeHingeLearner(const LearnerSpec& spec);
absl::StatusOr<std::unique_ptr<Learner>> MakePoissonLearner(const LearnerSpec& spec);
absl::StatusOr<std::unique_ptr<Learner>> MakeQuantileLearner(const LearnerSpec& spec);
// For any loss. REQUIRES: spec.vw is set.
absl::StatusOr<std::unique_ptr<Learner>> MakeVwLearner(const LearnerSpec& spec);

namespace internal {

// Makes the optimizer from its options.
inline Sgd RuleOf(const Sgd::Options& options) { return Sgd(options); }
inline MiniBatch RuleOf(const MiniBatch::Options& options) { return MiniBatch(options); }
inline Momentum RuleOf(const Momentum::Options& options) { return Momentum(options); }
inline Nesterov RuleOf(const Nesterov::Options& options) { return Nesterov(options); }
inline AdaGrad RuleOf(const AdaGrad::Options& options) { return AdaGrad(options); }
inline RmsProp RuleOf(const RmsProp::Options& options) { return RmsProp(options); }
inline Adam RuleOf(const Adam::Options& options) { return Adam(options); }
inline Ftrl RuleOf(const Ftrl::Options& options) { return Ftrl(options); }

// A visitor of OptimizerOptions that makes the learner.
template <LossFunction Loss>
struct MakeLearnerOf {
  template <typename Options>
  absl::StatusOr<std::unique_ptr<Learner>> operator()(const Options& options) const {
    return LinearLearner<Loss, decltype(RuleOf(options))>::Create(loss, options, spec);
  }

  absl::StatusOr<std::unique_ptr<Learner>> operator()(const NagOptions& options) const {
    if (options.adaptive) {
      if (options.normalized) return NagLearner<Loss, Nag<true, true>>::Create(loss, options, spec);
      return NagLearner<Loss, Nag<true, false>>::Create(loss, options, spec);
    }
    if (options.normalized) return NagLearner<Loss, Nag<false, true>>::Create(loss, options, spec);
    return NagLearner<Loss, Nag<false, false>>::Create(loss, options, spec);
  }

  absl::StatusOr<std::unique_ptr<Learner>> operator()(const Coin::Options& options) const {
    return CoinLearner<Loss>::Create(loss, options, spec);
  }

  absl::StatusOr<std::unique_ptr<Learner>> operator()(const AutoOptions& options) const {
    if (options.rules == AutoRules::kFirst) {
      return AutoLearner<Loss, AutoRules::kFirst>::Create(loss, options, spec);
    }
    return AutoLearner<Loss, AutoRules::kSecond>::Create(loss, options, spec);
  }

  Loss loss;
  const LearnerSpec& spec;
};

template <LossFunction Loss>
absl::StatusOr<std::unique_ptr<Learner>> MakeLearnerFor(const Loss& loss, const LearnerSpec& spec) {
  return std::visit(MakeLearnerOf<Loss>{loss, spec}, spec.optimizer);
}

}  // namespace internal
}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_LEARNERS_BY_LOSS_H_
