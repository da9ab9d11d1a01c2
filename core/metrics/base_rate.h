// The constant predictor that a learner is judged against: it says one number for all examples of a
// figure, the base rate, which is their mean label.
//
// Its mean loss over them needs but a sum:
//
//   mean of f(label) - f(mean label),
//
//   logistic   f(y) = y log y + (1 - y) log(1 - y), 0 of each label: the entropy of the base rate
//   squared    f(y) = y^2, taken from the first label on: the variance of the labels
//   Poisson    f(y) = y log y
//
// For hinge loss it says the class that more labels are of: twice the share of the others. For the
// quantile loss no sums will do, and what is judged against is LossColumns' running quantile.

#ifndef FRESHET_CORE_METRICS_BASE_RATE_H_
#define FRESHET_CORE_METRICS_BASE_RATE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "core/base/state.h"
#include "core/loss/loss_kind.h"
#include "core/metrics/example_block.h"
#include "core/metrics/loss_sums.h"

namespace freshet {

// Not thread-safe.
class BaseRate {
 public:
  // The sums of other objects over the same examples.
  struct Counted {
    LossSums all;
    LossSums older;  // Halves of the window,
    LossSums newer;
    LossSums group;  // and what is not in them yet.
    double decayed_weight = 0;
    double decayed_base_rate_loss = 0;
  };

  explicit BaseRate(LossKind loss) : loss_(loss) {}

  // Counts examples, in order; the weight of those before decays by `decay` with each. REQUIRES:
  // LossColumns filled the block.
  void Add(const ExampleBlock& block, double decay);
  // What was added since the last call is part of the window's newer half, which is full where
  // `ends_half`.
  void EndGroup(bool ends_half);

  // The mean losses; 0 without examples. The sums are of all examples, of the window with what is
  // not in its halves yet, and with decaying weight.
  double Loss(const LossSums& all) const;
  double WindowLoss(const LossSums& window) const;
  double DecayedLoss(double decayed_weight, double decayed_base_rate_loss) const;

  // Begins in the middle of a stream, of which other objects know these sums, as a state without
  // this object leaves them: with the losses that were told before.
  void Begin(const Counted& counted);

  // Appends and reads the state. DATA_LOSS where the bytes do not fit.
  void SaveState(StateWriter& writer) const { writer.WriteValue(sums_); }
  absl::Status LoadState(StateReader& reader);

 private:
  // Each is a sum of f(label) times the weight, but for the last three.
  struct Sums {
    double all = 0;
    double decayed = 0;
    double group = 0;
    double newer = 0;
    double older = 0;
    double decayed_label = 0;  // Labels times their decayed weights.
    double first_label = 0;
    uint64_t is_begun = 0;  // 1: first_label is known.
  };

  // Whether f is not 0 of all labels.
  bool has_costs() const { return loss_ == LossKind::kSquared || loss_ == LossKind::kPoisson; }
  double Cost(double label) const;
  // Of examples with these sums.
  double Loss(double weight, double label, double cost) const;
  double OldCost(double weight, double label, double base_rate_loss) const;

  LossKind loss_;
  Sums sums_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_METRICS_BASE_RATE_H_
