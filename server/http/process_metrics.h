// Metrics of the process: the `process_...` metrics that every Prometheus client library has.

#ifndef FRESHET_SERVER_HTTP_PROCESS_METRICS_H_
#define FRESHET_SERVER_HTTP_PROCESS_METRICS_H_

#include <prometheus/metric_family.h>

#include <vector>

namespace freshet {

// Adds the metrics, read from /proc; leaves out those that cannot be read.
void AddProcessMetrics(std::vector<prometheus::MetricFamily>& page);

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_PROCESS_METRICS_H_
