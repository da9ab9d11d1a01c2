#include "tests/bench/timed_latency.h"

namespace freshet {
namespace {

double Milliseconds(const TimedLatency& latency) {
  return Seconds(latency.end - latency.begin) * 1e3;
}

}  // namespace

std::vector<double> LatenciesWithin(const std::vector<TimedLatency>& latencies,
                                    BenchClock::time_point from, BenchClock::time_point until) {
  std::vector<double> result;
  for (const TimedLatency& latency : latencies) {
    if (latency.begin >= from && latency.end <= until) result.push_back(Milliseconds(latency));
  }
  return result;
}

std::vector<double> LatenciesTouching(const std::vector<TimedLatency>& latencies,
                                      BenchClock::time_point from, BenchClock::time_point until) {
  std::vector<double> result;
  for (const TimedLatency& latency : latencies) {
    if (latency.begin <= until && latency.end >= from) result.push_back(Milliseconds(latency));
  }
  return result;
}

}  // namespace freshet
