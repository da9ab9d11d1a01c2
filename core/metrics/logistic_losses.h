#ifndef FRESHET_CORE_METRICS_LOGISTIC_LOSSES_H_
#define FRESHET_CORE_METRICS_LOGISTIC_LOSSES_H_

#include "core/metrics/example_block.h"

namespace freshet {

// Fills in predictions and losses from scores and labels, which are 0 or 1, and makes losses of
// `base_rate_losses`, which are the probabilities that the base rate gave the labels. Probabilities
// are taken for at least 1e-15 and at most 1 - 1e-15.
void FillLogisticLosses(ExampleBlock& block);

}  // namespace freshet

#endif  // FRESHET_CORE_METRICS_LOGISTIC_LOSSES_H_
