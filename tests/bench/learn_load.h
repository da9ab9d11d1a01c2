// Producers that push as fast as a server takes it.

#ifndef FRESHET_TESTS_BENCH_LEARN_LOAD_H_
#define FRESHET_TESTS_BENCH_LEARN_LOAD_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "freshet/v1/learning_service.pb.h"
#include "tests/bench/timed_latency.h"

namespace freshet {

// What one producer may have sent and not seen acknowledged, in examples; the same as the client
// library's default.
inline constexpr size_t kWindowExamples = 65'536;

// Runs from construction until Stop(). Any failure ends the process with a message.
class LearnLoad {
 public:
  virtual ~LearnLoad() = default;

  // Examples so far. May be called at any time.
  virtual uint64_t acknowledged() const = 0;

  // Sends no more, and waits until all is acknowledged. Returns how long each batch took from when
  // it was to be sent until it was acknowledged, as far as the producers can tell. Call once.
  virtual std::vector<TimedLatency> Stop() = 0;
};

// Pushes with gRPC alone: requests are ready to be sent, so that nearly all the time goes to gRPC
// and the server. Each producer has a connection and a share of `requests`, which must outlive the
// load; it sends them over and over.
std::unique_ptr<LearnLoad> StartRawLoad(const std::string& address, const std::string& model,
                                        int producers, std::vector<v1::LearnRequest>& requests,
                                        size_t window_examples = kWindowExamples);

// Pushes example by example through the client library. Latencies are those of some examples, from
// Push() until an acknowledgement was seen.
std::unique_ptr<LearnLoad> StartPusherLoad(const std::string& address, const std::string& model,
                                           int producers, int batch_examples);

// Lets the load run until so many examples are acknowledged, and stops it.
void PushExamples(std::unique_ptr<LearnLoad> load, uint64_t examples);

// What was measured over a while of load.
struct LoadRates {
  double examples_per_s = 0;
  double server_cpu_s = 0;  // For a million examples.
  double client_cpu_s = 0;  // For a million examples; of this process.
  std::vector<double> ack_ms = {};
};

// Lets the load run for a while, measures for a while more, at least until something is
// acknowledged, and stops it.
LoadRates MeasureLoad(std::unique_ptr<LearnLoad> load, pid_t server, double warm_up_s,
                      double measure_s);

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_LEARN_LOAD_H_
