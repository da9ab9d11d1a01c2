// The constant predictor that a learner is compared with. For all examples that a metric covers it
// predicts the same number: the base rate, which is their mean label.
//
// Its mean loss over these examples can be computed from sums alone:
//
//   mean of f(label) - f(mean label),
//
//   logistic   f(y) = y log y + (1 - y) log(1 - y), which is 0 for each label, so that the loss is
//              the entropy of the base rate
//   squared    f(y) = y^2, with labels taken relative to the first one, so that the loss is the
//              variance of the labels
//   Poisson    f(y) = y log y
//
// For hinge loss it predicts the more frequent class, so the loss is twice the share of the other
// class. The quantile loss cannot be computed from sums; there the learner is compared with the
// running quantile of LossColumns instead.

#ifndef FRESHET_CORE_METRICS_BASE_RATE_H_
#define FRESHET_CORE_METRICS_BASE_RATE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "core/base/state.h"
#include "core/loss/loss_kind.h"
#include "core/metrics/example_block.h"
#include "core/metrics/loss_sums.h"

namespace freshet {

// Accumulates the sums for the base rate's loss. Not thread-safe.
class BaseRate {
 public:
  // Sums that other objects have kept over the same examples.
  struct Counted {
    LossSums all;
    LossSums older;  // The older half of the window.
    LossSums newer;  // The newer half of the window.
    LossSums group;  // Examples that are not in a half yet.
    double decayed_weight = 0;
    double decayed_base_rate_loss = 0;
  };

  explicit BaseRate(LossKind loss) : loss_(loss) {}

  // Counts examples, in order. Each example multiplies the decayed sums before it by `decay`.
  // REQUIRES: LossColumns has filled in the block.
  void Add(const ExampleBlock& block, double decay);
  // Moves what was added since the last call into the window's newer half. `ends_half` says that
  // this half is now full and becomes the older one.
  void EndGroup(bool ends_half);

  // The mean losses of the base rate; 0 if there are no examples. The arguments are sums over all
  // examples; over the window, including examples that are not in a half yet; and with decaying
  // weight.
  double Loss(const LossSums& all) const;
  double WindowLoss(const LossSums& window) const;
  double DecayedLoss(double decayed_weight, double decayed_base_rate_loss) const;

  // Starts in the middle of a stream, after loading a saved state from before this class existed.
  // Derives its sums from those in `counted`, so that losses that need sums of f stay as they were
  // reported before.
  void Begin(const Counted& counted);

  // Appends and reads the state. DATA_LOSS if the saved state is invalid.
  void SaveState(StateWriter& writer) const { writer.WriteValue(sums_); }
  absl::Status LoadState(StateReader& reader);

 private:
  // Each is a sum of f(label) times the weight, except the last three.
  struct Sums {
    double all = 0;
    double decayed = 0;
    double group = 0;
    double newer = 0;
    double older = 0;
    double decayed_label = 0;  // Labels times their decayed weights.
    double first_label = 0;
    uint64_t is_begun = 0;  // 1 once first_label is set.
  };

  // Whether f can be other than 0, so that its sums must be kept.
  bool has_costs() const {
    return loss_ == LossKind::kSquared || loss_ == LossKind::kPoisson ||
           loss_ == LossKind::kDeviance;
  }
  // Whether the loss of the base rate is only known as it runs along.
  bool has_running_loss() const {
    return loss_ == LossKind::kQuantile || loss_ == LossKind::kExpectile;
  }
  double Cost(double label) const;
  // The mean loss over examples with these sums.
  double Loss(double weight, double label, double cost) const;
  double OldCost(double weight, double label, double base_rate_loss) const;

  LossKind loss_;
  Sums sums_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_METRICS_BASE_RATE_H_
