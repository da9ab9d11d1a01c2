// What a loss makes of examples, and of a predictor that knows nothing but the labels before each.

#ifndef FRESHET_CORE_METRICS_LOSS_COLUMNS_H_
#define FRESHET_CORE_METRICS_LOSS_COLUMNS_H_

#include "absl/status/status.h"
#include "core/base/state.h"
#include "core/loss/loss_kind.h"
#include "core/metrics/example_block.h"

namespace freshet {

// Not thread-safe.
class LossColumns {
 public:
  LossColumns(LossKind loss, double quantile_tau) : loss_(loss), quantile_tau_(quantile_tau) {}

  // Fills in predictions, losses and the losses of a running base rate (the mean of the labels
  // before each example, or what the loss has for it) from scores, labels and weights; labels of
  // two classes become 0 and 1. `weight` and `label` are the sums over all examples before the
  // block, labels times their weights. For the quantile loss a prediction is whether the label was
  // not above it. Scores of the logistic loss beyond +-score_limit count as the limit.
  void Fill(double weight, double label, double score_limit, ExampleBlock& block);

  // Appends and reads the state; of the quantile loss alone there is any. DATA_LOSS where the bytes
  // do not fit.
  void SaveState(StateWriter& writer) const;
  absl::Status LoadState(StateReader& reader);

 private:
  // The running base rate of the quantile loss: a running tau-quantile of the labels, which
  // follows them by importance-aware steps.
  struct RunningQuantile {
    double value = 0;
    double deviation_sum = 0;  // Of labels from the value, weighted.
  };

  void FillQuantile(double weight, ExampleBlock& block);

  LossKind loss_;
  double quantile_tau_;
  RunningQuantile quantile_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_METRICS_LOSS_COLUMNS_H_
