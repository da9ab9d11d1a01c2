// Metrics of the process: the `process_...` that every Prometheus client library has.

#ifndef FRESHET_SERVER_HTTP_PROCESS_METRICS_H_
#define FRESHET_SERVER_HTTP_PROCESS_METRICS_H_

#include <prometheus/metric_family.h>

#include <vector>

namespace freshet {

// Adds what /proc tells of this process; leaves out what it does not.
void AddProcessMetrics(std::vector<prometheus::MetricFamily>& page);

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_PROCESS_METRICS_H_
