#include "server/stats/latency_histogram.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace freshet {
namespace {

constexpr size_t kBounds = LatencyHistogram::kBuckets - 1;

// Round numbers in steps of about a sixth of a decade.
constexpr std::array<int64_t, 6> kSteps = {10, 15, 20, 30, 50, 70};

// The upper bounds of all buckets but the last, in nanoseconds.
constexpr std::array<int64_t, kBounds> kBoundsNs = [] {
  std::array<int64_t, kBounds> bounds{};
  int64_t unit_ns = 1000;
  for (size_t i = 0; i < bounds.size(); ++i) {
    bounds[i] = kSteps[i % kSteps.size()] * unit_ns;
    if (i % kSteps.size() == kSteps.size() - 1) unit_ns *= 10;
  }
  return bounds;
}();
static_assert(kBoundsNs.front() == 10'000 && kBoundsNs.back() == 100'000'000'000);

// The geometric middle of a bucket. Below the first bound and above the last, as if the steps went
// on.
absl::Duration MiddleOf(size_t bucket) {
  constexpr double kFactor = 1.4;
  const auto upper = static_cast<double>(kBoundsNs[std::min(bucket, kBounds - 1)]);
  if (bucket == 0) return absl::Nanoseconds(upper / std::sqrt(kFactor));
  if (bucket == kBounds) return absl::Nanoseconds(upper * std::sqrt(kFactor));
  return absl::Nanoseconds(std::sqrt(upper * static_cast<double>(kBoundsNs[bucket - 1])));
}

}  // namespace

double LatencyHistogram::UpperBoundSeconds(size_t bucket) {
  return static_cast<double>(kBoundsNs[bucket]) / 1e9;
}

void LatencyHistogram::Record(absl::Duration duration) {
  const int64_t ns = absl::ToInt64Nanoseconds(duration);
  const auto* const bound = std::lower_bound(kBoundsNs.begin(), kBoundsNs.end(), ns);
  buckets_[static_cast<size_t>(bound - kBoundsNs.begin())].fetch_add(1);
  sum_ns_.fetch_add(ns);
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
      return MiddleOf(i);
    }
  }
  return absl::ZeroDuration();
}

}  // namespace freshet
