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

// A way of pushing: examples a batch, and how many push at the same time.
struct PushShape {
  int batch_examples = 512;
  int producers = 1;
};

// A way of predicting: examples a call, and how many call at the same time.
struct PredictShape {
  int rows = 1;
  int callers = 1;
};

// The values here are those of the short form, which takes about a minute for everything.
struct BenchOptions {
  std::vector<std::string> names;  // What to measure; empty: everything.
  std::string dir;                 // A folder on the disk to measure; data folders are made in it.

  int repetitions = 5;
  double warm_up_s = 0.05;  // Of load, before each measurement.
  double measure_s = 0.15;  // Of load, in each repetition.

  double core_measure_s = 0.04;
  size_t core_features = 6'000'000;   // Of all examples of a stream together.
  std::vector<int> core_bits = {24};  // With 30 features an example.
  int core_usual_bits = 24;           // Of all that follows.
  std::vector<int> core_feature_counts = {};
  std::vector<int> core_number_counts = {};  // Of a row with a number in each of its columns.

  std::vector<PushShape> push_shapes = {{}};
  bool all_durabilities = false;  // Of the client library and of readable examples; else fsync.

  std::vector<std::string> file_formats = {"vw", "svmlight", "csv"};
  int file_rows = 150'000;       // Of VW text of named features.
  int other_file_rows = 80'000;  // Of each other format.

  std::vector<PredictShape> predict_shapes = {{}};

  int snapshot_bits = 22;
  uint64_t replay_examples = 1'000'000;
  int sync_count = 30;  // Of the disk's own syncs that are timed in each repetition.

  std::vector<int> growth_counts = {1, 100};  // Of models, and of streams.
  double idle_s = 0.5;                        // Of nothing to do.

  int scrape_pairs = 5;  // Repetitions: what is looked for is small.

  double memory_minutes = 0;  // Of full load; 0: memory is not watched.

  // Whether `name`, of a benchmark or a group of them, is among `names`, or above or below one.
  bool Chosen(std::string_view name) const;
};

// smoke: as little as shows that everything works; short; standard, of about half an hour;
// long, of an hour or two. Nothing for another name.
std::optional<BenchOptions> FormOptions(std::string_view form);

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_BENCH_OPTIONS_H_
