// What is measured. Each benchmark adds its results to a report, repetitions of what is compared
// being interleaved, so that what disturbs the machine disturbs all alike. Any failure ends the
// process with a message.

#ifndef FRESHET_TESTS_BENCH_BENCHMARKS_H_
#define FRESHET_TESTS_BENCH_BENCHMARKS_H_

#include "tests/bench/bench_options.h"
#include "tests/bench/bench_report.h"

namespace freshet {

// `core`: every learner on one core, without a server, beside touching the same slots without
// arithmetic.
void BenchCore(const BenchOptions& options, BenchReport& report);

// `files`: text files parsed, and pushed by the command `freshet`, beside reading them and finding
// the ends of their lines.
void BenchFiles(const BenchOptions& options, BenchReport& report);

// The bare stream, `wire`, the bare learner on one core, `learner`, and freshetd at each durability
// beside them, `end_to_end`.
void BenchEndToEnd(const BenchOptions& options, BenchReport& report);

// `predict`: unary predictions, alone and while the server learns at full load, beside an empty
// handler.
void BenchPredict(const BenchOptions& options, BenchReport& report);

// `snapshot`: learning and predicting while one is taken, beside the time between snapshots.
void BenchSnapshot(const BenchOptions& options, BenchReport& report);

// `replay`: a start after a crash: how fast the log is learned again.
void BenchReplay(const BenchOptions& options, BenchReport& report);

// `growth`: what models and streams cost, idle and busy, as there are more of them.
void BenchGrowth(const BenchOptions& options, BenchReport& report);

// `scrape`: learning while somebody asks for the metrics, beside a server that offers none.
void BenchScrape(const BenchOptions& options, BenchReport& report);

// `memory`: the server's, over minutes of full load, beside what it may take.
void BenchMemory(const BenchOptions& options, BenchReport& report);

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_BENCHMARKS_H_
