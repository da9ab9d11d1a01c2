#include <memory>
#include <string>
#include <vector>

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

// Measures calls to freshetd alternately with calls to two empty handlers: that of a server beside
// it that has nothing else to do, and the health check of freshetd itself, `of_health_check`, which
// shares all of its load.
void BenchCalls(const BenchOptions& options, const std::string& when, const BenchServer& server,
                const ServerProcess& bare, BenchReport& report) {
  for (const PredictShape& shape : options.predict_shapes) {
    CallLatencies served;
    CallLatencies empty;
    CallLatencies health;
    for (int i = 0; i < options.repetitions; ++i) {
      served.Add(MeasureCalls(options, server.address(), "ctr", shape));
      health.Add(MeasureCalls(options, server.address(), "ctr", shape, UnaryMethod::kHealthCheck));
      empty.Add(MeasureCalls(options, bare.address(), "ctr", shape));
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
    CallLatencies loaded;
    CallLatencies quiet;
    for (int i = 0; i < options.repetitions; ++i) {
      {
        CallLoop calls(load.callers, load.call);
        loaded.Add(MeasureCalls(options, server.address(), "ctr", kSmall));
        if (!calls.failure().ok()) FailBench(calls.failure().error_message());
      }
      quiet.Add(MeasureCalls(options, server.address(), "ctr", kSmall));
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
