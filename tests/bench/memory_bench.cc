#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/bench/bench_servers.h"
#include "tests/bench/bench_stream.h"
#include "tests/bench/benchmarks.h"
#include "tests/bench/learn_load.h"
#include "tests/bench/predict_load.h"
#include "tests/bench/timed_latency.h"
#include "tests/support/process_usage.h"

namespace freshet {
namespace {

constexpr int kProducers = 4;
constexpr int kMemoryBits = 22;
constexpr double kTableMb = (64 << kMemoryBits) / 1e6;  // Of the learner `auto`.
constexpr double kQueueMb = (64 << 20) / 1e6;           // The default of limits.max_queue_bytes.
constexpr double kBesidesMb = (64 << 20) / 1e6;         // Everything else.
constexpr double kBoundMb = kTableMb + kQueueMb + kBesidesMb;
// Per producer: enough to keep the queue full at all times.
constexpr size_t kWindowOfProducer = 400'000;
constexpr int kSamples = 24;

// How far the log grows between two snapshots. Snapshots let the server drop the log, which would
// otherwise fill the disk within an hour. At full load it grows this far in half a minute.
constexpr uint64_t kSnapshotLogBytes = uint64_t{4} << 30;

// The minimum of several readings during `time`: while a snapshot is taken, the server holds a copy
// of the table, which must not count.
double MemoryMb(const BenchServer& server, absl::Duration time) {
  constexpr int kReadings = 10;
  double least_mb = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kReadings; ++i) {
    absl::SleepFor(time / kReadings);
    least_mb = std::min(least_mb, static_cast<double>(MemoryBytes(server.pid())) / 1e6);
  }
  return least_mb;
}

}  // namespace

void BenchMemory(const BenchOptions& options, BenchReport& report) {
  if (options.memory_minutes <= 0) return;
  const BenchServer server(options.dir, /*flags=*/{}, kSnapshotLogBytes);
  server.CreateAutoModel("ctr", v1::DURABILITY_FSYNC, kMemoryBits);
  std::vector<v1::LearnRequest> requests = MakeLearnRequests(512);
  const std::unique_ptr<LearnLoad> learning =
      StartRawLoad(server.address(), "ctr", kProducers, requests, kWindowOfProducer);
  std::vector<double> samples_mb;
  const absl::Duration interval = absl::Minutes(options.memory_minutes) / kSamples;
  const BenchClock::time_point begin = BenchClock::now();
  std::printf("memory: limit: table %s + queues %s + everything else %s = %s MB\n",
              ShortNumber(kTableMb).c_str(), ShortNumber(kQueueMb).c_str(),
              ShortNumber(kBesidesMb).c_str(), ShortNumber(kBoundMb).c_str());
  for (int i = 1; i <= kSamples; ++i) {
    // Callers come and go.
    PredictLoad predicting(server.address(), "ctr", {.rows = 8, .callers = 4});
    absl::SleepFor(interval * 0.9);
    predicting.Stop();
    samples_mb.push_back(MemoryMb(server, interval * 0.1));
    std::printf("memory: %8.1f s  %10s MB  %15s examples\n", Seconds(BenchClock::now() - begin),
                ShortNumber(samples_mb.back()).c_str(),
                ShortNumber(static_cast<double>(learning->acknowledged())).c_str());
    std::fflush(stdout);
  }
  learning->Stop();
  const auto quarter = static_cast<std::ptrdiff_t>(samples_mb.size() / 4);
  const std::vector<double> second(samples_mb.begin() + quarter, samples_mb.begin() + 2 * quarter);
  const std::vector<double> last(samples_mb.end() - quarter, samples_mb.end());
  report.Add("memory/minutes", "min", {options.memory_minutes});
  // Snapshots copy the table, so the process's own peak would not answer the question.
  const double peak_mb = *std::max_element(samples_mb.begin(), samples_mb.end());
  report.Add("memory/peak", "MB", {peak_mb}, {kBoundMb});
  report.Add("memory/beyond_table", "MB", {peak_mb - kTableMb});
  report.Add("memory/last_quarter", "MB", last, second);
  // The snapshot copies the table.
  server.client().CreateSnapshot("ctr").value();
  report.Add("memory/peak_with_snapshot", "MB",
             {static_cast<double>(PeakMemoryBytes(server.pid())) / 1e6}, {kBoundMb + kTableMb});
}

}  // namespace freshet
