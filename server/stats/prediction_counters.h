// Counts the predictions of one variant.

#ifndef FRESHET_SERVER_STATS_PREDICTION_COUNTERS_H_
#define FRESHET_SERVER_STATS_PREDICTION_COUNTERS_H_

#include <atomic>
#include <cstdint>

#include "server/stats/latency_histogram.h"

namespace freshet {

// Since the server started, or since the variant was restored. Thread-safe.
struct PredictionCounters {
  std::atomic<uint64_t> rows{0};
  std::atomic<uint64_t> unlearned_rows{0};  // See PredictResponse.unlearned_rows.
  LatencyHistogram calls;                   // From the arrival of a call to its answer.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_STATS_PREDICTION_COUNTERS_H_
