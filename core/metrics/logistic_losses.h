// Logistic losses of a block of examples, with vector instructions.

#ifndef FRESHET_CORE_METRICS_LOGISTIC_LOSSES_H_
#define FRESHET_CORE_METRICS_LOGISTIC_LOSSES_H_

#include "core/metrics/example_block.h"

namespace freshet {

// Computes predictions and losses from scores and labels, which must be 0 or 1. On entry,
// `base_rate_losses` holds the probability that a running base rate gave each label; it is replaced
// by the loss. Probabilities below 1e-15 count as 1e-15. Scores beyond +-score_limit count as the
// limit. REQUIRES: score_limit <= 700.
void FillLogisticLosses(double score_limit, ExampleBlock& block);

}  // namespace freshet

#endif  // FRESHET_CORE_METRICS_LOGISTIC_LOSSES_H_
