// What benchmarks measured, as lines to read and as JSON.

#ifndef FRESHET_TESTS_BENCH_BENCH_REPORT_H_
#define FRESHET_TESTS_BENCH_BENCH_REPORT_H_

#include <string>
#include <string_view>
#include <vector>

namespace freshet {

// The number below which a share `q` of `values` lies; 0 for no values.
double Quantile(std::vector<double> values, double q);

// The middle one of `values`; 0 for no values.
double Median(std::vector<double> values);

// value / floor of each repetition.
std::vector<double> Ratios(const std::vector<double>& values, const std::vector<double>& floors);

// Not thread-safe.
class BenchReport {
 public:
  // Adds what the repetitions of one benchmark measured, and prints its line. `floors` is what the
  // same repetitions measured where there was nothing but the floor; empty: there is none. The
  // ratio is that of the medians.
  void Add(const std::string& name, const std::string& unit, const std::vector<double>& values,
           const std::vector<double>& floors = {});

  // Adds the results that Google Benchmark wrote as JSON, their names below `prefix`. False where
  // `json` is none.
  bool AddGoogleBenchmarks(const std::string& prefix, const std::string& json);

  // {"machine":{...},"results":[{"name":...,"value":...,"unit":...},...]}
  std::string ToJson() const;

 private:
  std::vector<std::string> results_;  // Each a JSON object.
};

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_BENCH_REPORT_H_
