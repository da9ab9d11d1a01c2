#include "server/stats/latency_histogram.h"

#include <algorithm>
#include <cmath>

namespace freshet {
namespace {

constexpr double kFirstBoundSeconds = 1e-5;
constexpr double kBucketsPerDecade = 6;

}  // namespace

double LatencyHistogram::UpperBoundSeconds(size_t bucket) {
  return kFirstBoundSeconds * std::pow(10, static_cast<double>(bucket) / kBucketsPerDecade);
}

void LatencyHistogram::Record(absl::Duration duration) {
  const double seconds = absl::ToDoubleSeconds(duration);
  const double bucket =
      std::ceil(kBucketsPerDecade * std::log10(std::max(seconds, 1e-9) / kFirstBoundSeconds));
  const double last = kBuckets - 1;
  buckets_[static_cast<size_t>(std::clamp(bucket, 0.0, last))].fetch_add(1);
  sum_ns_.fetch_add(absl::ToInt64Nanoseconds(duration));
}

LatencyHistogram::Counts LatencyHistogram::Read() const {
  Counts counts;
  for (size_t i = 0; i < kBuckets; ++i) {
    counts.buckets[i] = buckets_[i].load();
    counts.count += counts.buckets[i];
  }
  counts.sum_seconds = static_cast<double>(sum_ns_.load()) * 1e-9;
  return counts;
}

absl::Duration LatencyHistogram::Counts::Quantile(double quantile) const {
  uint64_t below = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    below += buckets[i];
    if (below > 0 && static_cast<double>(below) >= quantile * static_cast<double>(count)) {
      return absl::Seconds(UpperBoundSeconds(i) * std::pow(10, -0.5 / kBucketsPerDecade));
    }
  }
  return absl::ZeroDuration();
}

}  // namespace freshet
