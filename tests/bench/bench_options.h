// How much the benchmarks measure.

#ifndef FRESHET_TESTS_BENCH_BENCH_OPTIONS_H_
#define FRESHET_TESTS_BENCH_BENCH_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace freshet {

// A way of pushing: examples per batch, and the number of concurrent producers.
struct PushShape {
  int batch_examples = 512;
  int producers = 1;
};

// A way of predicting: examples per call, and the number of concurrent callers.
struct PredictShape {
  int rows = 1;
  int callers = 1;
};

// How much to measure. The defaults are the short form, which takes about a minute for everything.
struct BenchOptions {
  std::vector<std::string> names;  // What to measure; empty means everything.
  std::string dir;                 // A folder on the disk to measure, for data folders.

  int repetitions = 5;
  double warm_up_s = 0.05;  // Seconds of load before each measurement.
  double measure_s = 0.15;  // Seconds of load in each repetition.

  double core_measure_s = 0.04;
  size_t core_features = 6'000'000;   // In all examples of a stream together.
  std::vector<int> core_bits = {24};  // Table sizes, with 30 features per example.
  int core_usual_bits = 24;           // The table size in all other cases.
  std::vector<int> core_feature_counts = {};
  std::vector<int> core_number_counts = {};  // Numbers per row: one in each column.

  std::vector<PushShape> push_shapes = {{}};
  bool all_durabilities = false;  // For the client library and readable examples; else fsync only.

  std::vector<std::string> file_formats = {"vw", "svmlight", "csv"};
  int file_rows = 150'000;       // Rows of VW text with named features.
  int other_file_rows = 80'000;  // Rows of each other format.

  std::vector<PredictShape> predict_shapes = {{}};

  uint64_t joined_examples = 50'000;  // Events that are learned in each repetition.

  int snapshot_bits = 22;
  uint64_t replay_examples = 1'000'000;
  int sync_count = 30;  // How many bare syncs are timed in each repetition.

  std::vector<int> growth_counts = {1, 100};  // Numbers of models, and of streams.
  double idle_s = 0.5;                        // Seconds without load.

  int scrape_pairs = 5;  // Repetitions: many, because the effect is small.

  double memory_minutes = 0;  // Minutes of full load; 0 skips the benchmark.

  // Whether to run the benchmark or group `name`: whether a chosen name is equal to it, or either
  // is a prefix of the other that ends before a '/'.
  bool Chosen(std::string_view name) const;
};

// The options of a form: smoke measures just enough to show that everything works; short takes
// about a minute, standard half an hour, long an hour or two. nullopt for any other name.
std::optional<BenchOptions> FormOptions(std::string_view form);

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_BENCH_OPTIONS_H_
