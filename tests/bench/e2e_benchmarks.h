// The end-to-end benchmarks: the real freshetd in its own process, over a real connection.

#ifndef FRESHET_TESTS_BENCH_E2E_BENCHMARKS_H_
#define FRESHET_TESTS_BENCH_E2E_BENCHMARKS_H_

#include <string>
#include <vector>

#include "tests/bench/bench_report.h"

namespace freshet {

// A way of pushing: examples a batch, and how many push at the same time.
struct PushShape {
  int batch_examples = 512;
  int producers = 1;
};

// A way of predicting: examples a call, and how many call at the same time.
struct PredictShape {
  int rows = 1;
  int callers = 1;
};

// How much to measure. The values here are those of the short form, of about a minute.
struct BenchOptions {
  int repetitions = 3;
  double warm_up_s = 0.25;  // Of load, before each measurement.
  double measure_s = 1.0;   // Of load, in each repetition.
  std::vector<PushShape> push_shapes = {{}};
  std::vector<PredictShape> predict_shapes = {{}};
  int snapshot_bits = 24;
  uint64_t replay_examples = 3'000'000;
  int sync_count = 100;  // Of the disk's own syncs that are timed in each repetition.
  std::string dir;       // A folder on the disk to measure; data folders are made in it.
};

// The bare stream, `wire`, the bare learner on one core, `learner`, and freshetd at each durability
// beside them, `end_to_end`. Repetitions are interleaved, so that what disturbs the machine
// disturbs all alike.
void BenchEndToEnd(const BenchOptions& options, BenchReport& report);

// Unary predictions, alone and while the server learns at full load, beside an empty handler.
void BenchPredict(const BenchOptions& options, BenchReport& report);

// Learning and predicting while a snapshot is taken, beside the time between snapshots.
void BenchSnapshot(const BenchOptions& options, BenchReport& report);

// A start after a crash: how fast the log is learned again.
void BenchReplay(const BenchOptions& options, BenchReport& report);

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_E2E_BENCHMARKS_H_
