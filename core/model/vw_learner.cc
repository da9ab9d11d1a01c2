#include "core/model/vw_learner.h"

#include "core/model/coin_learner.h"
#include "core/model/learners_by_loss.h"
#include "core/model/linear_learner.h"

namespace freshet {
namespace {

template <bool adaptive, bool normalized>
absl::StatusOr<std::unique_ptr<Learner>> MakeDescent(const VwLoss& loss, const LearnerSpec& spec) {
  return VwLearner<VwDescent<adaptive, normalized>>::Create(loss, spec.vw->descent, spec);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Learner>> MakeVwLearner(const LearnerSpec& spec) {
  const VwLoss loss(spec.vw->loss);
  if (const auto* const ftrl = std::get_if<Ftrl::Options>(&spec.optimizer)) {
    return LinearLearner<VwLoss, Ftrl>::Create(loss, *ftrl, spec);
  }
  if (const auto* const coin = std::get_if<Coin::Options>(&spec.optimizer)) {
    return CoinLearner<VwLoss>::Create(loss, *coin, spec);
  }
  const VwDescentOptions& descent = spec.vw->descent;
  if (descent.adaptive) {
    return descent.normalized ? MakeDescent<true, true>(loss, spec)
                              : MakeDescent<true, false>(loss, spec);
  }
  return descent.normalized ? MakeDescent<false, true>(loss, spec)
                            : MakeDescent<false, false>(loss, spec);
}

}  // namespace freshet
