// Callers that predict, each one call after another.

#ifndef FRESHET_TESTS_BENCH_PREDICT_LOAD_H_
#define FRESHET_TESTS_BENCH_PREDICT_LOAD_H_

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "client/client.h"
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
  // `callers` threads share one connection and send `rows` examples per call.
  PredictLoad(const std::string& address, const std::string& model, int callers, int rows,
              UnaryMethod method = UnaryMethod::kPredict);
  ~PredictLoad();
  PredictLoad(const PredictLoad&) = delete;
  PredictLoad& operator=(const PredictLoad&) = delete;

  // Ends the calls and returns how long each took. Call once.
  std::vector<TimedLatency> Stop();

 private:
  void Call(const std::string& model, int rows, size_t caller, UnaryMethod method);

  const std::unique_ptr<Client> client_;
  std::atomic<bool> stopping_{false};
  std::vector<std::vector<TimedLatency>> latencies_;  // One list per caller, which owns it.
  std::vector<std::thread> threads_;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_PREDICT_LOAD_H_
