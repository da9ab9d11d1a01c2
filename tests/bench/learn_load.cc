#include "tests/bench/learn_load.h"

#include <unistd.h>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/support/process_usage.h"

namespace freshet {

uint64_t PushExamples(std::unique_ptr<LearnLoad> load, uint64_t examples) {
  while (load->acknowledged() < examples) absl::SleepFor(absl::Milliseconds(5));
  load->Stop();
  return load->acknowledged();
}

LoadRates MeasureLoad(std::unique_ptr<LearnLoad> load, pid_t server, double warm_up_s,
                      double measure_s) {
  const pid_t self = getpid();
  absl::SleepFor(absl::Seconds(warm_up_s));
  const BenchClock::time_point begin = BenchClock::now();
  const uint64_t acknowledged_before = load->acknowledged();
  const double server_before = CpuSeconds(server);
  const double client_before = CpuSeconds(self);
  do {
    absl::SleepFor(absl::Seconds(measure_s));
  } while (load->acknowledged() == acknowledged_before);
  const auto examples = static_cast<double>(load->acknowledged() - acknowledged_before);
  const BenchClock::time_point end = BenchClock::now();
  LoadRates rates;
  rates.examples_per_s = examples / Seconds(end - begin);
  rates.server_cpu_s = (CpuSeconds(server) - server_before) / examples * 1e6;
  rates.client_cpu_s = (CpuSeconds(self) - client_before) / examples * 1e6;
  rates.ack_ms = LatenciesWithin(load->Stop(), begin, end);
  return rates;
}

}  // namespace freshet
