#include "tests/bench/bench_stream.h"

#include <algorithm>
#include <cmath>

#include "core/base/str_cat.h"

namespace freshet {
namespace {

constexpr uint64_t kFeatures = 30;
constexpr int kDistinctExamples = 200'000;
constexpr int kDistinctReadableExamples = 20'000;
constexpr int kMinDistinctBatches = 8;       // At least one for each producer.
constexpr int kMaxDistinctBatches = 20'000;  // A batch costs memory beyond that of its rows.

std::vector<v1::LearnRequest> EmptyRequests(int rows, int examples) {
  return std::vector<v1::LearnRequest>(
      static_cast<size_t>(std::clamp(examples / rows, kMinDistinctBatches, kMaxDistinctBatches)));
}

}  // namespace

uint64_t BenchStream::NextRank() {
  const double uniform = static_cast<double>(random_() >> 11) * 0x1p-53;
  return static_cast<uint64_t>(std::pow(1e6, uniform));
}

uint32_t BenchStream::NextId(uint64_t field) {
  const uint64_t mixed = (NextRank() * kFeatures + field + 1) * 0x9e3779b97f4a7c15;
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

v1::ExampleList BenchStream::NextReadableBatch(int rows) {
  v1::ExampleList list;
  for (int row = 0; row < rows; ++row) {
    v1::Example& example = *list.add_examples();
    for (uint64_t field = 0; field < kFeatures; ++field) {
      if (field % 10 == 0) example.add_namespaces()->set_name(StrCat("ns", field / 10));
      v1::Namespace& last = *example.mutable_namespaces(example.namespaces_size() - 1);
      last.add_features()->set_name(StrCat("f", field, "=", NextRank()));
    }
    example.set_label(NextLabel());
  }
  return list;
}

Example BenchStream::NextExample() {
  Example example;
  for (uint64_t field = 0; field < kFeatures; ++field) example.AddId("", NextId(field));
  example.label = NextLabel();
  return example;
}

std::vector<v1::LearnRequest> MakeLearnRequests(int rows) {
  BenchStream stream(1);
  std::vector<v1::LearnRequest> requests = EmptyRequests(rows, kDistinctExamples);
  for (v1::LearnRequest& request : requests) *request.mutable_packed() = stream.NextBatch(rows);
  return requests;
}

std::vector<v1::LearnRequest> MakeEventRequests(int rows) {
  std::vector<v1::LearnRequest> requests = MakeLearnRequests(rows);
  for (v1::LearnRequest& request : requests) {
    request.mutable_packed()->clear_labels();
    request.mutable_packed()->set_row_count(static_cast<uint32_t>(rows));
    for (int row = 0; row < rows; ++row) request.add_event_ids();
  }
  return requests;
}

std::vector<v1::LearnRequest> MakeFillingRequests(int rows, int bits) {
  BenchStream stream(1);
  const uint64_t ids_of_request = static_cast<uint64_t>(rows) * kFeatures;
  std::vector<v1::LearnRequest> requests(((uint64_t{1} << bits) - 1) / ids_of_request + 1);
  uint32_t id = 0;
  for (v1::LearnRequest& request : requests) {
    *request.mutable_packed() = stream.NextBatch(rows);
    for (uint32_t& feature_id : *request.mutable_packed()->mutable_feature_ids()) {
      // The step is odd, so the low bits take every value before any of them repeats.
      feature_id = id += 0x9e3779b1;
    }
  }
  return requests;
}

std::vector<v1::LearnRequest> MakeReadableRequests(int rows) {
  BenchStream stream(1);
  std::vector<v1::LearnRequest> requests = EmptyRequests(rows, kDistinctReadableExamples);
  for (v1::LearnRequest& request : requests) {
    *request.mutable_examples() = stream.NextReadableBatch(rows);
  }
  return requests;
}

size_t RowCount(const v1::LearnRequest& request) {
  if (!request.has_packed()) return static_cast<size_t>(request.examples().examples_size());
  const v1::PackedBatch& packed = request.packed();
  return std::max<size_t>(packed.row_count(), static_cast<size_t>(packed.labels_size()));
}

}  // namespace freshet
