#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/str_cat.h"
#include "tests/bench/bench_failure.h"
#include "tests/bench/bench_servers.h"
#include "tests/bench/bench_stream.h"
#include "tests/bench/benchmarks.h"
#include "tests/bench/learn_load.h"
#include "tests/bench/predict_load.h"
#include "tests/support/call_loop.h"
#include "tests/support/heavy_calls.h"

namespace freshet {
namespace {

// One number per repetition.
struct Latencies {
  std::vector<double> p50_ms;
  std::vector<double> p99_ms;
  std::vector<double> p999_ms;

  void Add(const std::vector<double>& latencies_ms) {
    p50_ms.push_back(Quantile(latencies_ms, 0.5));
    p99_ms.push_back(Quantile(latencies_ms, 0.99));
    p999_ms.push_back(Quantile(latencies_ms, 0.999));
  }
};

std::vector<double> MeasureCalls(const BenchOptions& options, const std::string& address,
                                 const PredictShape& shape,
                                 UnaryMethod method = UnaryMethod::kPredict) {
  PredictLoad load(address, "ctr", shape.callers, shape.rows, method);
  absl::SleepFor(absl::Seconds(options.warm_up_s));
  const BenchClock::time_point begin = BenchClock::now();
  absl::SleepFor(absl::Seconds(options.measure_s));
  const BenchClock::time_point end = BenchClock::now();
  return LatenciesWithin(load.Stop(), begin, end);
}

void ReportLatencies(const std::string& name, const Latencies& measured, const Latencies& floor,
                     BenchReport& report) {
  report.Add(name + "/p50", "ms", measured.p50_ms, floor.p50_ms);
  report.Add(name + "/p99", "ms", measured.p99_ms, floor.p99_ms);
  report.Add(name + "/p999", "ms", measured.p999_ms, floor.p999_ms);
}

// Measures calls to freshetd alternately with calls to two empty handlers: that of a server beside
// it that has nothing else to do, and the health check of freshetd itself, `of_health_check`, which
// shares all of its load.
void BenchCalls(const BenchOptions& options, const std::string& when, const BenchServer& server,
                const ServerProcess& bare, BenchReport& report) {
  for (const PredictShape& shape : options.predict_shapes) {
    Latencies served;
    Latencies empty;
    Latencies health;
    for (int i = 0; i < options.repetitions; ++i) {
      served.Add(MeasureCalls(options, server.address(), shape));
      health.Add(MeasureCalls(options, server.address(), shape, UnaryMethod::kHealthCheck));
      empty.Add(MeasureCalls(options, bare.address(), shape));
    }
    const std::string name = StrCat("predict/", when, "/", shape.rows, "/", shape.callers);
    ReportLatencies(name, served, empty, report);
    ReportLatencies(name + "/of_health_check", served, health, report);
  }
}

// Load that other clients may cause at the same time.
struct Load {
  std::string name;
  int callers;
  CallLoop::Call call;
};

std::vector<Load> HeavyLoads(const Client& client) {
  constexpr size_t kLargeBytes = size_t{15} << 20;
  constexpr int kLargeRows = 65'536;
  return {
      {"predictions_of_15_mb", 2,
       PredictCallOf(client, ReadablePrediction("ctr", kLargeBytes, /*row_features=*/40))},
      {"predictions_of_65536_rows", 16, PredictCallOf(client, PackedPrediction("ctr", kLargeRows))},
      {"explanations", 3, ExplainCallOf(client, "models/combining", WideExample(45))},
      {"digests", 2, DigestCallOf(client, "ctr")},
      {"descriptions", 2, DescribeCallOf(client, "ctr")},
  };
}

// Measures small predictions alternately beside each load and without it.
void BenchBeside(const BenchOptions& options, const BenchServer& server, BenchReport& report) {
  constexpr PredictShape kSmall{1, 1};
  const std::unique_ptr<Client> other = Client::Connect({.server = server.address()}).value();
  for (const Load& load : HeavyLoads(*other)) {
    const std::string name = StrCat("predict/beside/", load.name, "/1/1");
    if (!options.Chosen(name)) continue;
    Latencies loaded;
    Latencies quiet;
    for (int i = 0; i < options.repetitions; ++i) {
      {
        CallLoop calls(load.callers, load.call);
        loaded.Add(MeasureCalls(options, server.address(), kSmall));
        if (!calls.failure().ok()) FailBench(calls.failure().error_message());
      }
      quiet.Add(MeasureCalls(options, server.address(), kSmall));
    }
    ReportLatencies(name, loaded, quiet, report);
  }
}

}  // namespace

void BenchPredict(const BenchOptions& options, BenchReport& report) {
  const std::unique_ptr<ServerProcess> bare = StartBareServer();
  const BenchServer server(options.dir);
  server.CreateModel("ctr", v1::DURABILITY_FSYNC);
  std::vector<v1::LearnRequest> requests = MakeLearnRequests(512);
  // Gives the model weights to predict with.
  PushExamples(StartRawLoad(server.address(), "ctr", 1, requests), requests.size() * 512);
  BenchCalls(options, "alone", server, *bare, report);
  if (!server.client().CreateModel("combining", CombiningLearner()).ok()) FailBench("no model");
  BenchBeside(options, server, report);
  const std::unique_ptr<LearnLoad> load = StartRawLoad(server.address(), "ctr", 1, requests);
  BenchCalls(options, "learning", server, *bare, report);
  load->Stop();
}

}  // namespace freshet
