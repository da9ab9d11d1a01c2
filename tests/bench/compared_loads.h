// Ways to push that are measured alternately, so that they can be compared.

#ifndef FRESHET_TESTS_BENCH_COMPARED_LOADS_H_
#define FRESHET_TESTS_BENCH_COMPARED_LOADS_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/bench/bench_options.h"
#include "tests/bench/bench_report.h"
#include "tests/bench/learn_load.h"

namespace freshet {

// For each quantity, one number per repetition.
struct Repetitions {
  std::vector<double> examples_per_s;
  std::vector<double> server_cpu_s;
  std::vector<double> client_cpu_s;
  std::vector<double> ack_p50_ms;
  std::vector<double> ack_p99_ms;
  std::vector<double> ack_p999_ms;

  void Add(const LoadRates& rates);
};

// One of the ways to push that are compared.
struct Way {
  std::string name;
  std::function<LoadRates()> measure;
};

// Measures each way once per repetition, in alternating order, so that no way always follows the
// same other one. Returns what was measured, by the names of the ways.
std::map<std::string, Repetitions> MeasureInterleaved(const BenchOptions& options,
                                                      const std::vector<Way>& ways);

void ReportAckLatencies(const std::string& name, const Repetitions& measured,
                        const Repetitions& floor, BenchReport& report);

// Examples per second, and what they cost.
void ReportRates(const std::string& name, const Repetitions& measured, const Repetitions& floor,
                 BenchReport& report);

// Both.
void ReportLoad(const std::string& name, const Repetitions& measured, const Repetitions& floor,
                BenchReport& report);

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_COMPARED_LOADS_H_
