// The benchmarks. Each adds its results to a report. Repetitions of things that are compared are
// interleaved, so that whatever disturbs the machine disturbs all of them alike. Any failure ends
// the process with a message.

#ifndef FRESHET_TESTS_BENCH_BENCHMARKS_H_
#define FRESHET_TESTS_BENCH_BENCHMARKS_H_

#include "tests/bench/bench_options.h"
#include "tests/bench/bench_report.h"

namespace freshet {

// `core`: every learner on one core, without a server, compared with touching the same slots
// without arithmetic.
void BenchCore(const BenchOptions& options, BenchReport& report);

// `files`: parsing text files, and pushing them with the command `freshet`, compared with reading
// them and finding the ends of their lines.
void BenchFiles(const BenchOptions& options, BenchReport& report);

// `wire`, the bare stream; `learner`, the bare learner on one core; and `end_to_end`, freshetd at
// each durability, compared with both.
void BenchEndToEnd(const BenchOptions& options, BenchReport& report);

// `predict`: unary predictions, alone and while the server learns at full load, compared with an
// empty handler.
void BenchPredict(const BenchOptions& options, BenchReport& report);

// `labels`: logging predictions and events whose labels come later, and learning these events,
// compared with plain predictions and with the same examples with labels.
void BenchLabels(const BenchOptions& options, BenchReport& report);

// `snapshot`: learning and predicting while a snapshot is taken, compared with the time between
// snapshots.
void BenchSnapshot(const BenchOptions& options, BenchReport& report);

// `replay`: how fast a server learns its log again when it starts after a crash.
void BenchReplay(const BenchOptions& options, BenchReport& report);

// `growth`: what models and streams cost, idle and busy, as their number grows.
void BenchGrowth(const BenchOptions& options, BenchReport& report);

// `scrape`: learning while /metrics is scraped, compared with a server without HTTP.
void BenchScrape(const BenchOptions& options, BenchReport& report);

// `memory`: the server's memory over minutes of full load, compared with its limit.
void BenchMemory(const BenchOptions& options, BenchReport& report);

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_BENCHMARKS_H_
