#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/str_cat.h"
#include "tests/bench/bench_servers.h"
#include "tests/bench/bench_stream.h"
#include "tests/bench/e2e_benchmarks.h"
#include "tests/bench/learn_load.h"
#include "tests/bench/predict_load.h"

namespace freshet {
namespace {

// One number a repetition.
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
                                 const PredictShape& shape) {
  PredictLoad load(address, "ctr", shape.callers, shape.rows);
  absl::SleepFor(absl::Seconds(options.warm_up_s));
  const BenchClock::time_point begin = BenchClock::now();
  absl::SleepFor(absl::Seconds(options.measure_s));
  const BenchClock::time_point end = BenchClock::now();
  return LatenciesWithin(load.Stop(), begin, end);
}

// Calls to freshetd and to the empty handler in turn.
void BenchCalls(const BenchOptions& options, const std::string& when, const BenchServer& server,
                const ServerProcess& bare, BenchReport& report) {
  for (const PredictShape& shape : options.predict_shapes) {
    Latencies served;
    Latencies empty;
    for (int i = 0; i < options.repetitions; ++i) {
      served.Add(MeasureCalls(options, server.address(), shape));
      empty.Add(MeasureCalls(options, bare.address(), shape));
    }
    const std::string name = StrCat("predict/", when, "/", shape.rows, "/", shape.callers);
    report.Add(name + "/p50", "ms", served.p50_ms, empty.p50_ms);
    report.Add(name + "/p99", "ms", served.p99_ms, empty.p99_ms);
    report.Add(name + "/p999", "ms", served.p999_ms, empty.p999_ms);
  }
}

}  // namespace

void BenchPredict(const BenchOptions& options, BenchReport& report) {
  const std::unique_ptr<ServerProcess> bare = StartBareServer();
  const BenchServer server(options.dir);
  server.CreateModel("ctr", v1::DURABILITY_FSYNC);
  std::vector<v1::LearnRequest> requests = MakeLearnRequests(512);
  // Weights to predict with.
  PushExamples(StartRawLoad(server.address(), "ctr", 1, requests), requests.size() * 512);
  BenchCalls(options, "alone", server, *bare, report);
  const std::unique_ptr<LearnLoad> load = StartRawLoad(server.address(), "ctr", 1, requests);
  BenchCalls(options, "learning", server, *bare, report);
  load->Stop();
}

}  // namespace freshet
