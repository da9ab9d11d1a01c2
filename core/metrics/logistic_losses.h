#ifndef FRESHET_CORE_METRICS_LOGISTIC_LOSSES_H_
#define FRESHET_CORE_METRICS_LOGISTIC_LOSSES_H_

#include "core/metrics/example_block.h"

namespace freshet {

// Fills in predictions and losses from scores and labels, which are 0 or 1, and makes losses of
// `base_rate_losses`, which are the probabilities that a running base rate gave the labels and are
// taken for at least 1e-15. Scores beyond +-score_limit count as the limit, up to 700.
void FillLogisticLosses(double score_limit, ExampleBlock& block);

}  // namespace freshet

#endif  // FRESHET_CORE_METRICS_LOGISTIC_LOSSES_H_
