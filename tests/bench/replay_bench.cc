#include <memory>
#include <string>
#include <vector>

#include "tests/bench/bench_failure.h"
#include "tests/bench/bench_servers.h"
#include "tests/bench/bench_stream.h"
#include "tests/bench/benchmarks.h"
#include "tests/bench/learn_load.h"
#include "tests/support/process_usage.h"

namespace freshet {
namespace {

// The number after `key` in the log line event=recovered.
double RecoveredNumber(const std::string& log, const std::string& key) {
  const size_t line = log.find("event=recovered");
  const size_t at = line == std::string::npos ? line : log.find(" " + key + "=", line);
  if (at == std::string::npos) FailBench("the server recovered nothing: " + log);
  return std::stod(log.substr(at + key.size() + 2));
}

}  // namespace

void BenchReplay(const BenchOptions& options, BenchReport& report) {
  BenchServer server(options.dir);
  server.CreateModel("ctr", v1::DURABILITY_OS);
  std::vector<v1::LearnRequest> requests = MakeLearnRequests(512);
  PushExamples(StartRawLoad(server.address(), "ctr", 1, requests), options.replay_examples);
  std::vector<double> rates;
  std::vector<double> cpu_s;
  for (int i = 0; i < options.repetitions; ++i) {
    server.KillAndRestart();
    const std::string log = server.process().Log();
    const double examples = RecoveredNumber(log, "examples");
    rates.push_back(examples / RecoveredNumber(log, "replay_ms") * 1e3);
    cpu_s.push_back(CpuSeconds(server.pid()) / examples * 1e6);
  }
  report.Add("replay", "examples/s", rates);
  report.Add("replay/server_cpu", "s/M examples", cpu_s);
}

}  // namespace freshet
