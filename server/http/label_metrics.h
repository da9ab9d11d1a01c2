// Metrics of events and their labels, for models with a label rule.

#ifndef FRESHET_SERVER_HTTP_LABEL_METRICS_H_
#define FRESHET_SERVER_HTTP_LABEL_METRICS_H_

#include <prometheus/metric_family.h>

#include <span>
#include <vector>

#include "server/http/model_metrics.h"

namespace freshet {

// Adds one family per metric, with samples of the models that have a label rule.
void AddLabelMetrics(std::span<const ModelSample> samples,
                     std::vector<prometheus::MetricFamily>& page);

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_LABEL_METRICS_H_
