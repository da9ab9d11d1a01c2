#include <algorithm>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/str_cat.h"
#include "tests/bench/bench_servers.h"
#include "tests/bench/bench_stream.h"
#include "tests/bench/benchmarks.h"
#include "tests/bench/stream_swarm.h"
#include "tests/bench/timed_latency.h"
#include "tests/support/process_usage.h"

namespace freshet {
namespace {

constexpr int kBatchExamples = 64;
constexpr int kBatchesInFlight = 64;  // Of all streams together, and at least one each.
constexpr int kBits = 16;             // A thousand larger tables would not fit in memory.

// Adds what the server uses while it has nothing to do.
void AddIdle(const BenchOptions& options, const std::string& name, const BenchServer& server,
             BenchReport& report) {
  absl::SleepFor(absl::Seconds(options.warm_up_s));
  const double before = CpuSeconds(server.pid());
  const BenchClock::time_point begin = BenchClock::now();
  absl::SleepFor(absl::Seconds(options.idle_s));
  const double cpu_s = CpuSeconds(server.pid()) - before;
  report.Add(name + "/idle_cpu", "ms/s", {cpu_s * 1e3 / Seconds(BenchClock::now() - begin)});
  report.Add(name + "/memory", "MB", {static_cast<double>(MemoryBytes(server.pid())) / 1e6});
  report.Add(name + "/threads", "threads", {static_cast<double>(ThreadCount(server.pid()))});
}

// Adds what an example costs while all streams push.
void AddBusy(const BenchOptions& options, const std::string& name, const BenchServer& server,
             StreamSwarm& swarm, int streams, BenchReport& report) {
  std::vector<double> rates;
  std::vector<double> cpu_s;
  swarm.Start(std::max(kBatchesInFlight / streams, 1));
  absl::SleepFor(absl::Seconds(options.warm_up_s));
  for (int i = 0; i < options.repetitions; ++i) {
    const uint64_t examples_before = swarm.acknowledged();
    const double cpu_before = CpuSeconds(server.pid());
    const BenchClock::time_point begin = BenchClock::now();
    do {
      absl::SleepFor(absl::Seconds(options.measure_s));
    } while (swarm.acknowledged() == examples_before);
    const double elapsed_s = Seconds(BenchClock::now() - begin);
    const auto examples = static_cast<double>(swarm.acknowledged() - examples_before);
    rates.push_back(examples / elapsed_s);
    cpu_s.push_back((CpuSeconds(server.pid()) - cpu_before) / examples * 1e6);
  }
  swarm.Stop();
  report.Add(name + "/busy", "examples/s", rates);
  report.Add(name + "/busy/server_cpu", "s/M examples", cpu_s);
}

// Measures `count` models: first as created, then with one stream each, but at least eight streams.
void BenchModels(const BenchOptions& options, int count,
                 const std::vector<v1::LearnRequest>& requests, BenchReport& report) {
  const std::string name = StrCat("growth/models/", count);
  if (!options.Chosen(name)) return;
  const BenchServer server(options.dir);
  const auto empty_bytes = static_cast<double>(MemoryBytes(server.pid()));
  std::vector<std::string> models;
  for (int i = 0; i < count; ++i) {
    models.push_back(StrCat("model-", i));
    server.CreateModel(models.back(), v1::DURABILITY_OS, kBits);
  }
  AddIdle(options, name, server, report);
  report.Add(name + "/memory_per_model", "kB",
             {(static_cast<double>(MemoryBytes(server.pid())) - empty_bytes) / count / 1e3});
  const int streams = std::max(count, 8);
  StreamSwarm swarm(server.address(), models, streams, requests);
  AddBusy(options, name, server, swarm, streams, report);
}

// Measures `count` streams to one model: first idle, then pushing.
void BenchStreams(const BenchOptions& options, int count,
                  const std::vector<v1::LearnRequest>& requests, BenchReport& report) {
  const std::string name = StrCat("growth/streams/", count);
  if (!options.Chosen(name)) return;
  const BenchServer server(options.dir);
  const std::string model = "model";
  server.CreateModel(model, v1::DURABILITY_OS, kBits);
  StreamSwarm swarm(server.address(), {model}, count, requests);
  AddIdle(options, name, server, report);
  AddBusy(options, name, server, swarm, count, report);
}

}  // namespace

void BenchGrowth(const BenchOptions& options, BenchReport& report) {
  const std::vector<v1::LearnRequest> requests = MakeLearnRequests(kBatchExamples);
  for (const int count : options.growth_counts) BenchModels(options, count, requests, report);
  for (const int count : options.growth_counts) BenchStreams(options, count, requests, report);
}

}  // namespace freshet
