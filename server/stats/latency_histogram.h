// A histogram of durations, which many threads record and any thread reads.

#ifndef FRESHET_SERVER_STATS_LATENCY_HISTOGRAM_H_
#define FRESHET_SERVER_STATS_LATENCY_HISTOGRAM_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace freshet {

// The upper bounds of buckets are 1, 1.5, 2, 3, 5, 7 and their multiples by powers of 10, from 10
// microseconds to 100 seconds. A quantile is the geometric middle of its bucket, hence within 30 %
// of the true value. Thread-safe; Record() takes no lock.
class LatencyHistogram {
 public:
  static constexpr size_t kBuckets = 44;

  struct Counts {
    std::array<uint64_t, kBuckets> buckets{};  // The last has no upper bound.
    uint64_t count = 0;
    double sum_seconds = 0;

    // The duration below which a share `quantile` of all durations is; zero if there are none.
    absl::Duration Quantile(double quantile) const;
  };

  // The upper bound of a bucket in seconds. REQUIRES: it is not the last, which has none.
  static double UpperBoundSeconds(size_t bucket);

  void Record(absl::Duration duration);

  Counts Read() const;

 private:
  std::array<std::atomic<uint64_t>, kBuckets> buckets_{};
  std::atomic<int64_t> sum_ns_{0};
};

}  // namespace freshet

#endif  // FRESHET_SERVER_STATS_LATENCY_HISTOGRAM_H_
