#include "server/http/metric_family.h"

#include <cmath>
#include <limits>
#include <utility>

namespace freshet {

prometheus::MetricFamily MakeFamily(std::string name, prometheus::MetricType type,
                                    std::string help) {
  prometheus::MetricFamily family;
  family.name = std::move(name);
  family.help = std::move(help);
  family.type = type;
  return family;
}

void AddValue(prometheus::MetricFamily& family, MetricLabels labels, double value) {
  prometheus::ClientMetric& metric = family.metric.emplace_back();
  metric.label = std::move(labels);
  if (family.type == prometheus::MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
}

void AddHistogram(prometheus::MetricFamily& family, MetricLabels labels,
                  const LatencyHistogram::Counts& counts) {
  prometheus::ClientMetric& metric = family.metric.emplace_back();
  metric.label = std::move(labels);
  metric.histogram.sample_count = counts.count;
  metric.histogram.sample_sum = counts.sum_seconds;
  constexpr size_t kLast = LatencyHistogram::kBuckets - 1;
  uint64_t below = 0;
  for (size_t i = 0; i < kLast; ++i) {
    below += counts.buckets[i];
    if (i % 2 == 0) {
      metric.histogram.bucket.push_back({below, LatencyHistogram::UpperBoundSeconds(i)});
    }
  }
  metric.histogram.bucket.push_back({counts.count, std::numeric_limits<double>::infinity()});
}

void AddFamily(std::vector<prometheus::MetricFamily>& page, prometheus::MetricFamily family) {
  if (!family.metric.empty()) page.push_back(std::move(family));
}

}  // namespace freshet
