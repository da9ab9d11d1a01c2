// Collects what benchmarks measured, and prints it line by line.

#ifndef FRESHET_TESTS_BENCH_BENCH_REPORT_H_
#define FRESHET_TESTS_BENCH_BENCH_REPORT_H_

#include <string>
#include <utility>
#include <vector>

#include "tests/bench/bench_result.h"
#include "tests/bench/machine_facts.h"

namespace freshet {

// The number below which a share `q` of `values` lies; 0 if there are no values.
double Quantile(std::vector<double> values, double q);

// The median of `values`; 0 if there are no values.
double Median(std::vector<double> values);

// value / floor of each repetition whose floor is above 0.
std::vector<double> Ratios(const std::vector<double>& values, const std::vector<double>& floors);

// Not thread-safe.
class BenchReport {
 public:
  explicit BenchReport(Facts machine);

  // Adds what the repetitions of one benchmark measured. `floors` holds what the same repetitions
  // measured for the floor alone; empty if there is no floor. The reported ratio is that of the
  // medians.
  void Add(const std::string& name, const std::string& unit, const std::vector<double>& values,
           const std::vector<double>& floors = {});

  // Records that something was not measured, and why.
  void Skip(const std::string& name, const std::string& reason);

  // Adds the results in Google Benchmark's JSON output, with `prefix` and a slash before their
  // names. Returns false if `json` is not such output.
  bool AddGoogleBenchmarks(const std::string& prefix, const std::string& json);

  const BenchResults& results() const { return results_; }

 private:
  BenchResults results_;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_BENCH_REPORT_H_
