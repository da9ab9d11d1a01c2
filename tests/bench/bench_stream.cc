#include "tests/bench/bench_stream.h"

#include <algorithm>
#include <cmath>

namespace freshet {
namespace {

constexpr uint64_t kFeatures = 30;
constexpr int kDistinctExamples = 200'000;
constexpr int kMaxDistinctBatches = 20'000;  // A batch of one row takes memory beyond its row's.

}  // namespace

uint32_t BenchStream::NextId(uint64_t field) {
  const double uniform = static_cast<double>(random_() >> 11) * 0x1p-53;
  const auto rank = static_cast<uint64_t>(std::pow(1e6, uniform));
  const uint64_t mixed = (rank * kFeatures + field + 1) * 0x9e3779b97f4a7c15;
  return static_cast<uint32_t>(mixed >> 32);
}

v1::PackedBatch BenchStream::NextUnlabelledBatch(int rows) {
  v1::PackedBatch batch;
  batch.add_namespaces("");
  batch.add_segment_sizes(kFeatures);
  batch.set_row_count(static_cast<uint32_t>(rows));
  batch.mutable_feature_ids()->Reserve(rows * static_cast<int>(kFeatures));
  for (int row = 0; row < rows; ++row) {
    for (uint64_t field = 0; field < kFeatures; ++field) batch.add_feature_ids(NextId(field));
  }
  return batch;
}

v1::PackedBatch BenchStream::NextBatch(int rows) {
  v1::PackedBatch batch = NextUnlabelledBatch(rows);
  batch.set_row_count(0);
  for (int row = 0; row < rows; ++row) batch.add_labels(NextLabel());
  return batch;
}

Example BenchStream::NextExample() {
  Example example;
  for (uint64_t field = 0; field < kFeatures; ++field) example.AddId("", NextId(field));
  example.label = NextLabel();
  return example;
}

std::vector<v1::LearnRequest> MakeLearnRequests(int rows) {
  BenchStream stream(1);
  std::vector<v1::LearnRequest> requests(
      static_cast<size_t>(std::clamp(kDistinctExamples / rows, 1, kMaxDistinctBatches)));
  for (v1::LearnRequest& request : requests) *request.mutable_packed() = stream.NextBatch(rows);
  return requests;
}

}  // namespace freshet
