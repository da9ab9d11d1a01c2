// Functions to build Prometheus metric families.

#ifndef FRESHET_SERVER_HTTP_METRIC_FAMILY_H_
#define FRESHET_SERVER_HTTP_METRIC_FAMILY_H_

#include <prometheus/metric_family.h>

#include <string>
#include <vector>

#include "server/stats/latency_histogram.h"

namespace freshet {

using MetricLabels = std::vector<prometheus::ClientMetric::Label>;

// A family without samples. `name` follows Prometheus' conventions: base units, and `_total` for
// a counter; `help` says meaning and unit.
prometheus::MetricFamily MakeFamily(std::string name, prometheus::MetricType type,
                                    std::string help);

// Adds a sample. REQUIRES: the family is a counter or a gauge.
void AddValue(prometheus::MetricFamily& family, MetricLabels labels, double value);

// Adds a sample of durations in seconds. Uses every second bound of `counts`: 1, 2, 5, 10 and so
// on. REQUIRES: the family is a histogram.
void AddHistogram(prometheus::MetricFamily& family, MetricLabels labels,
                  const LatencyHistogram::Counts& counts);

// Adds the family to the page, unless it has no samples.
void AddFamily(std::vector<prometheus::MetricFamily>& page, prometheus::MetricFamily family);

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_METRIC_FAMILY_H_
