// Metrics of how well each variant predicts at present, and whether its stream has drifted.

#ifndef FRESHET_SERVER_HTTP_QUALITY_METRICS_H_
#define FRESHET_SERVER_HTTP_QUALITY_METRICS_H_

#include <prometheus/metric_family.h>

#include <span>
#include <vector>

#include "server/http/model_metrics.h"

namespace freshet {

// Adds the families to the page. A variant has at most 19 reliability bins of three samples each.
void AddQualityMetrics(std::span<const ModelSample> samples,
                       std::vector<prometheus::MetricFamily>& page);

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_QUALITY_METRICS_H_
