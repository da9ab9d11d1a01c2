#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/bench/bench_servers.h"
#include "tests/bench/bench_stream.h"
#include "tests/bench/benchmarks.h"
#include "tests/bench/learn_load.h"
#include "tests/bench/plain_disk.h"
#include "tests/bench/predict_load.h"

namespace freshet {
namespace {

struct Moment {
  BenchClock::time_point time;
  uint64_t acknowledged;  // Examples learned so far.
};

struct Window {
  Moment begin;
  Moment end;

  double LearnRate() const {
    return static_cast<double>(end.acknowledged - begin.acknowledged) /
           Seconds(end.time - begin.time);
  }
};

// One repetition: a period without a snapshot, then the time in which one is taken.
struct Repetition {
  Window without;
  Window within;
  v1::Snapshot snapshot;
};

Repetition TakeSnapshot(const BenchOptions& options, const BenchServer& server,
                        const LearnLoad& learning) {
  const auto now = [&learning] { return Moment{BenchClock::now(), learning.acknowledged()}; };
  Repetition repetition;
  repetition.without.begin = now();
  absl::SleepFor(absl::Seconds(options.measure_s));
  repetition.without.end = now();
  repetition.within.begin = repetition.without.end;
  repetition.snapshot = server.client().CreateSnapshot("ctr").value();
  repetition.within.end = now();
  absl::SleepFor(absl::Seconds(options.warm_up_s));  // Lets the disk settle.
  return repetition;
}

// Gives every slot of the table something that a snapshot must save.
void FillTable(const BenchServer& server, int bits) {
  std::vector<v1::LearnRequest> requests = MakeFillingRequests(512, bits);
  uint64_t examples = 0;
  for (const v1::LearnRequest& request : requests) examples += RowCount(request);
  PushExamples(StartRawLoad(server.address(), "ctr", 1, requests), examples);
}

void ReportLatencies(const std::string& name, const std::vector<Repetition>& repetitions,
                     const std::vector<TimedLatency>& latencies, BenchReport& report) {
  const auto add = [&](const std::string& quantile, double q) {
    std::vector<double> within;
    std::vector<double> without;
    for (const Repetition& repetition : repetitions) {
      within.push_back(Quantile(
          LatenciesTouching(latencies, repetition.within.begin.time, repetition.within.end.time),
          q));
      without.push_back(Quantile(
          LatenciesWithin(latencies, repetition.without.begin.time, repetition.without.end.time),
          q));
    }
    report.Add(name + "/" + quantile, "ms", within, without);
  };
  add("p50", 0.5);
  add("p99", 0.99);
  add("max", 1.0);
}

}  // namespace

void BenchSnapshot(const BenchOptions& options, BenchReport& report) {
  const BenchServer server(options.dir);
  server.CreateModel("ctr", v1::DURABILITY_FSYNC, options.snapshot_bits);
  FillTable(server, options.snapshot_bits);
  std::vector<v1::LearnRequest> requests = MakeLearnRequests(512);
  const std::unique_ptr<LearnLoad> learning = StartRawLoad(server.address(), "ctr", 1, requests);
  PredictLoad predicting(server.address(), "ctr", {.rows = 1, .callers = 1});
  absl::SleepFor(absl::Seconds(options.warm_up_s));
  std::vector<Repetition> repetitions;
  repetitions.reserve(static_cast<size_t>(options.repetitions));
  for (int i = 0; i < options.repetitions; ++i) {
    repetitions.push_back(TakeSnapshot(options, server, *learning));
  }
  ReportLatencies("snapshot/predict", repetitions, predicting.Stop(), report);
  ReportLatencies("snapshot/ack", repetitions, learning->Stop(), report);

  std::vector<double> learn_rates;
  std::vector<double> learn_rates_without;
  std::vector<double> pauses_ms;
  std::vector<double> write_rates;
  std::vector<double> plain_rates;
  std::vector<double> load_rates;
  for (const Repetition& repetition : repetitions) {
    const auto bytes = static_cast<double>(repetition.snapshot.size_bytes());
    learn_rates.push_back(repetition.within.LearnRate());
    learn_rates_without.push_back(repetition.without.LearnRate());
    pauses_ms.push_back(repetition.snapshot.pause_ms());
    write_rates.push_back(bytes /
                          Seconds(repetition.within.end.time - repetition.within.begin.time) / 1e6);
    plain_rates.push_back(WriteRate(server.data_dir(), repetition.snapshot.size_bytes()) / 1e6);
    const BenchClock::time_point begin = BenchClock::now();
    server.client().RestoreSnapshot("ctr", repetition.snapshot.name()).value();
    load_rates.push_back(bytes / Seconds(BenchClock::now() - begin) / 1e6);
  }
  report.Add("snapshot/learn", "examples/s", learn_rates, learn_rates_without);
  report.Add("snapshot/bits", "bits", {static_cast<double>(options.snapshot_bits)});
  report.Add("snapshot/size", "MB",
             {static_cast<double>(repetitions.front().snapshot.size_bytes()) / 1e6});
  report.Add("snapshot/pause", "ms", pauses_ms);
  report.Add("snapshot/write", "MB/s", write_rates, plain_rates);
  report.Add("snapshot/load", "MB/s", load_rates);
}

}  // namespace freshet
