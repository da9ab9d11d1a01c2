// Producers that push as fast as a server accepts examples.

#ifndef FRESHET_TESTS_BENCH_LEARN_LOAD_H_
#define FRESHET_TESTS_BENCH_LEARN_LOAD_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "freshet/v1/learning_service.pb.h"
#include "tests/bench/event_ids.h"
#include "tests/bench/timed_latency.h"

namespace freshet {

// How many examples one producer may have in flight, sent and not yet acknowledged. The same as the
// client library's default.
inline constexpr size_t kWindowExamples = 65'536;

// A load that runs from construction until Stop(). Any failure ends the process with a message.
class LearnLoad {
 public:
  virtual ~LearnLoad() = default;

  // The number of examples acknowledged so far. May be called at any time.
  virtual uint64_t acknowledged() const = 0;

  // Stops sending, and waits until everything is acknowledged. Returns how long each batch took
  // from the moment it was due to be sent until its acknowledgement, as far as the producers can
  // tell. Call once.
  virtual std::vector<TimedLatency> Stop() = 0;
};

// Pushes over bare gRPC: the requests are prepared, so that nearly all the time goes to gRPC and
// the server. Each producer has a connection of its own and a share of `requests`, which it sends
// over and over. `requests` must outlive the load. If there are `event_ids`, the examples are
// events, and each gets a new id whenever it is sent.
std::unique_ptr<LearnLoad> StartRawLoad(const std::string& address, const std::string& model,
                                        int producers, std::vector<v1::LearnRequest>& requests,
                                        size_t window_examples = kWindowExamples,
                                        EventIds* event_ids = nullptr);

// Pushes example by example through the client library. Only some examples are timed, from Push()
// until the producer noticed the acknowledgement.
std::unique_ptr<LearnLoad> StartPusherLoad(const std::string& address, const std::string& model,
                                           int producers, int batch_examples);

// Lets the load run until `examples` examples are acknowledged, and stops it. Returns how many are
// acknowledged at the end: more, since some were in flight.
uint64_t PushExamples(std::unique_ptr<LearnLoad> load, uint64_t examples);

// What was measured during a period of load.
struct LoadRates {
  double examples_per_s = 0;
  double server_cpu_s = 0;  // Seconds per million examples.
  double client_cpu_s = 0;  // Seconds per million examples, of this process.
  std::vector<double> ack_ms = {};
};

// Lets the load run for `warm_up_s`, then measures for `measure_s`, or longer if nothing was
// acknowledged in that time, and stops the load.
LoadRates MeasureLoad(std::unique_ptr<LearnLoad> load, pid_t server, double warm_up_s,
                      double measure_s);

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_LEARN_LOAD_H_
