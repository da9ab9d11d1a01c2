// Counters of one model, in addition to those in its description (v1.Model).

#ifndef FRESHET_SERVER_STATS_MODEL_COUNTERS_H_
#define FRESHET_SERVER_STATS_MODEL_COUNTERS_H_

#include <cstdint>

#include "server/stats/latency_histogram.h"

namespace freshet {

struct ModelCounters {
  LatencyHistogram::Counts syncs;  // Of the log, since the server started; empty without a log.
  uint64_t accepted_offset = 0;    // All records below this were accepted.
  uint64_t known_producers = 0;
  uint64_t forgotten_producers = 0;  // Since the model was created.
  bool log_fault = false;            // The log cannot be written.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_STATS_MODEL_COUNTERS_H_
