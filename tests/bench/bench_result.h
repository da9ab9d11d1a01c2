// The results of benchmarks, and the JSON in which they are stored:
//
//   {"machine":{"processor":...},
//    "results":[{"name":"core/adagrad/24","value":...,"unit":"examples/s","floor":...,"ratio":...,
//                "min":...,"max":...,"ratio_min":...,"ratio_max":...},...],
//    "skipped":[{"name":"core/auto/28","reason":...},...]}

#ifndef FRESHET_TESTS_BENCH_BENCH_RESULT_H_
#define FRESHET_TESTS_BENCH_BENCH_RESULT_H_

#include <optional>
#include <string>
#include <vector>

#include "tests/bench/machine_facts.h"

namespace freshet {

struct BenchResult {
  std::string name;
  std::string unit;
  double value = 0;  // The median of all repetitions.
  double min = 0;    // The minimum of all repetitions.
  double max = 0;    // The maximum of all repetitions.
  // The median of what the same repetitions measured for the floor alone; nullopt if there is no
  // floor.
  std::optional<double> floor = {};
  // value / floor, and the minimum and maximum of this ratio over the repetitions.
  std::optional<double> ratio = {};
  std::optional<double> ratio_min = {};
  std::optional<double> ratio_max = {};
};

// Something that was not measured, and why.
struct SkippedBench {
  std::string name;
  std::string reason;
};

struct BenchResults {
  Facts machine;
  std::vector<BenchResult> results;
  std::vector<SkippedBench> skipped;

  std::string ToJson() const;
  // Returns nullopt if `json` does not hold results.
  static std::optional<BenchResults> FromJson(const std::string& json);
};

// A number for people to read, with about four significant digits.
std::string ShortNumber(double value);

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_BENCH_RESULT_H_
