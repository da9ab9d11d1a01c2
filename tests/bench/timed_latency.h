// How long an operation took, and when.

#ifndef FRESHET_TESTS_BENCH_TIMED_LATENCY_H_
#define FRESHET_TESTS_BENCH_TIMED_LATENCY_H_

#include <chrono>
#include <vector>

namespace freshet {

using BenchClock = std::chrono::steady_clock;

struct TimedLatency {
  BenchClock::time_point begin;
  BenchClock::time_point end;
};

inline double Seconds(BenchClock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

// The durations, in milliseconds, of the operations that lie entirely within [from, until].
std::vector<double> LatenciesWithin(const std::vector<TimedLatency>& latencies,
                                    BenchClock::time_point from, BenchClock::time_point until);

// The durations, in milliseconds, of the operations that overlap [from, until].
std::vector<double> LatenciesTouching(const std::vector<TimedLatency>& latencies,
                                      BenchClock::time_point from, BenchClock::time_point until);

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_TIMED_LATENCY_H_
