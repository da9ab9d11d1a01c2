// Results of benchmarks, and the JSON that they are kept in:
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
  double value = 0;  // The median of all repetitions,
  double min = 0;    // and the least
  double max = 0;    // and the greatest of them.
  // The median of what the same repetitions measured where there was nothing but the floor; nothing
  // where there is no floor.
  std::optional<double> floor = {};
  // value / floor, and the least and the greatest of the repetitions' own.
  std::optional<double> ratio = {};
  std::optional<double> ratio_min = {};
  std::optional<double> ratio_max = {};
};

// What was not measured, and why.
struct SkippedBench {
  std::string name;
  std::string reason;
};

struct BenchResults {
  Facts machine;
  std::vector<BenchResult> results;
  std::vector<SkippedBench> skipped;

  std::string ToJson() const;
  // Nothing where `json` is something else.
  static std::optional<BenchResults> FromJson(const std::string& json);
};

// A number with four digits that count, for people.
std::string ShortNumber(double value);

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_BENCH_RESULT_H_
