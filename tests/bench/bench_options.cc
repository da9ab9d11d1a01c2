#include "tests/bench/bench_options.h"

#include <algorithm>

namespace freshet {
namespace {

BenchOptions SmokeForm() {
  BenchOptions options;
  options.repetitions = 1;
  options.warm_up_s = 0.01;
  options.measure_s = 0.05;
  options.core_measure_s = 0.001;
  options.core_features = 60'000;
  options.core_bits = {18};
  options.core_usual_bits = 18;
  options.core_feature_counts = {8};
  options.core_number_counts = {30};
  options.file_rows = 500;
  options.other_file_rows = 500;
  options.joined_examples = 2'000;
  options.snapshot_bits = 18;
  options.replay_examples = 20'000;
  options.sync_count = 3;
  options.growth_counts = {1, 3};
  options.idle_s = 0.05;
  options.scrape_pairs = 1;
  options.memory_minutes = 0.005;
  return options;
}

BenchOptions StandardForm() {
  BenchOptions options;
  options.warm_up_s = 0.3;  // Connections open, queues fill, memory is touched.
  options.measure_s = 1;
  options.core_measure_s = 0.1;
  options.core_bits = {18, 22, 24, 28};
  options.core_feature_counts = {8, 300};
  options.core_number_counts = {30};
  options.push_shapes = {{1, 1}, {16, 1}, {256, 1}, {512, 1}, {4096, 1}, {512, 2}, {512, 8}};
  options.file_formats = {"vw", "vw_values", "svmlight", "csv", "jsonl"};
  options.file_rows = 1'000'000;
  options.other_file_rows = 300'000;
  options.predict_shapes = {{1, 1}, {8, 1}, {64, 1}, {1, 4}, {1, 16}, {64, 16}};
  options.joined_examples = 1'000'000;
  options.snapshot_bits = 24;
  options.replay_examples = 5'000'000;
  options.sync_count = 100;
  options.growth_counts = {1, 10, 100, 1000};
  options.idle_s = 5;
  options.scrape_pairs = 50;
  options.memory_minutes = 1;
  return options;
}

BenchOptions LongForm() {
  BenchOptions options = StandardForm();
  options.repetitions = 7;
  options.warm_up_s = 0.5;
  options.measure_s = 3;
  options.core_measure_s = 0.5;
  options.core_number_counts = {8, 30, 300};
  options.push_shapes.clear();
  for (const int batch_examples : {1, 16, 256, 512, 4096}) {
    for (const int producers : {1, 2, 8}) {
      options.push_shapes.push_back({batch_examples, producers});
    }
  }
  options.all_durabilities = true;
  options.file_rows = 2'000'000;
  options.other_file_rows = 1'000'000;
  options.predict_shapes.clear();
  for (const int rows : {1, 8, 64}) {
    for (const int callers : {1, 4, 16}) options.predict_shapes.push_back({rows, callers});
  }
  options.joined_examples = 3'000'000;
  options.replay_examples = 20'000'000;
  options.sync_count = 200;
  options.idle_s = 30;
  options.scrape_pairs = 100;
  options.memory_minutes = 10;
  return options;
}

// Whether `name` is `group` or a benchmark in it.
bool Below(std::string_view name, std::string_view group) {
  return name.starts_with(group) && (name.size() == group.size() || name[group.size()] == '/');
}

}  // namespace

bool BenchOptions::Chosen(std::string_view name) const {
  return names.empty() || std::any_of(names.begin(), names.end(), [name](const auto& chosen) {
           return Below(name, chosen) || Below(chosen, name);
         });
}

std::optional<BenchOptions> FormOptions(std::string_view form) {
  if (form == "smoke") return SmokeForm();
  if (form == "short") return BenchOptions();
  if (form == "standard") return StandardForm();
  if (form == "long") return LongForm();
  return std::nullopt;
}

}  // namespace freshet
