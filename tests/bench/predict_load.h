// Callers that predict, one call after the other.

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

// What is called with a v1.PredictRequest.
enum class UnaryMethod {
  kPredict,
  // The health service, which looks up a flag: the empty handler of every freshetd. It skips what
  // it does not know of the message.
  kHealthCheck,
};

// Runs from construction until Stop(). Any failure ends the process with a message.
class PredictLoad {
 public:
  // `callers` threads share a connection and send `rows` examples a call.
  PredictLoad(const std::string& address, const std::string& model, int callers, int rows,
              UnaryMethod method = UnaryMethod::kPredict);
  ~PredictLoad();
  PredictLoad(const PredictLoad&) = delete;
  PredictLoad& operator=(const PredictLoad&) = delete;

  // Ends and returns how long each call took. Call once.
  std::vector<TimedLatency> Stop();

 private:
  void Call(const std::string& model, int rows, size_t caller, UnaryMethod method);

  const std::unique_ptr<Client> client_;
  std::atomic<bool> stopping_{false};
  std::vector<std::vector<TimedLatency>> latencies_;  // One list a caller, which owns it.
  std::vector<std::thread> threads_;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_PREDICT_LOAD_H_
