// Callers that predict, each one call after another.

#ifndef FRESHET_TESTS_BENCH_PREDICT_LOAD_H_
#define FRESHET_TESTS_BENCH_PREDICT_LOAD_H_

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "client/client.h"
#include "tests/bench/bench_options.h"
#include "tests/bench/bench_report.h"
#include "tests/bench/event_ids.h"
#include "tests/bench/timed_latency.h"

namespace freshet {

// The methods that can be called with a v1.PredictRequest.
enum class UnaryMethod {
  kPredict,
  // The health service, which only looks up a flag: the empty handler of every freshetd. It ignores
  // the fields of the message that it does not know.
  kHealthCheck,
};

// Calls from construction until Stop(). Any failure ends the process with a message.
class PredictLoad {
 public:
  // `shape.callers` threads share one connection and send `shape.rows` examples per call. If there
  // are `event_ids`, predictions are logged as events, and each gets a new id.
  PredictLoad(const std::string& address, const std::string& model, const PredictShape& shape,
              UnaryMethod method = UnaryMethod::kPredict, EventIds* event_ids = nullptr);
  ~PredictLoad();
  PredictLoad(const PredictLoad&) = delete;
  PredictLoad& operator=(const PredictLoad&) = delete;

  // Ends the calls and returns how long each took. Call once.
  std::vector<TimedLatency> Stop();

 private:
  void Call(const std::string& model, int rows, size_t caller, UnaryMethod method);

  EventIds* const event_ids_;  // Null: predictions are not logged.
  const std::unique_ptr<Client> client_;
  std::atomic<bool> stopping_{false};
  std::vector<std::vector<TimedLatency>> latencies_;  // One list per caller, which owns it.
  std::vector<std::thread> threads_;
};

// Calls for a while, and returns how long each call took, in milliseconds. See PredictLoad.
std::vector<double> MeasureCalls(const BenchOptions& options, const std::string& address,
                                 const std::string& model, const PredictShape& shape,
                                 UnaryMethod method = UnaryMethod::kPredict,
                                 EventIds* event_ids = nullptr);

// The quantiles of calls, one number per repetition.
struct CallLatencies {
  std::vector<double> p50_ms;
  std::vector<double> p99_ms;
  std::vector<double> p999_ms;

  void Add(const std::vector<double>& latencies_ms);
};

void ReportLatencies(const std::string& name, const CallLatencies& measured,
                     const CallLatencies& floor, BenchReport& report);

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_PREDICT_LOAD_H_
