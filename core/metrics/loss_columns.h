// Computes the losses of examples, and those of a baseline predictor that knows only the labels
// before each example.

#ifndef FRESHET_CORE_METRICS_LOSS_COLUMNS_H_
#define FRESHET_CORE_METRICS_LOSS_COLUMNS_H_

#include "absl/status/status.h"
#include "core/base/state.h"
#include "core/loss/loss_kind.h"
#include "core/metrics/example_block.h"

namespace freshet {

// Fills in the columns of an ExampleBlock for one loss. Not thread-safe.
class LossColumns {
 public:
  LossColumns(LossKind loss, double quantile_tau) : loss_(loss), quantile_tau_(quantile_tau) {}

  // Fills in predictions, losses and base_rate_losses from scores, labels and weights. The base
  // rate is the mean of the labels before each example, or its counterpart for the loss. Labels of
  // two classes become 0 and 1. `weight` is the sum of weights, and `label` that of labels times
  // weights, over all examples before the block. For the quantile loss, the prediction column is 1
  // if the label was at most the score, else 0. Scores of the logistic loss beyond +-score_limit
  // count as the limit.
  void Fill(double weight, double label, double score_limit, ExampleBlock& block);

  // Appends and reads the state, which is empty except for the quantile loss. DATA_LOSS if the
  // saved state is invalid.
  void SaveState(StateWriter& writer) const;
  absl::Status LoadState(StateReader& reader);

 private:
  // The running base rate of the quantile loss: a running tau-quantile of the labels, which
  // follows them by importance-aware steps.
  struct RunningQuantile {
    double value = 0;
    double deviation_sum = 0;  // Weighted sum of |label - value|.
  };

  void FillExpectile(double weight, double label_sum, ExampleBlock& block) const;
  void FillMargin(double weight, double positive_weight, ExampleBlock& block) const;
  void FillQuantile(double weight, ExampleBlock& block);

  LossKind loss_;
  double quantile_tau_;  // Or the q of the expectile loss.
  RunningQuantile quantile_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_METRICS_LOSS_COLUMNS_H_
