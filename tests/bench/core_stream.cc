#include "tests/bench/core_stream.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <span>

namespace freshet {
namespace {

uint32_t MixedId(uint64_t number) {
  return static_cast<uint32_t>((number + 1) * 0x9e3779b97f4a7c15 >> 32);
}

double Uniform(std::mt19937_64& random) { return static_cast<double>(random() >> 11) * 0x1p-53; }

}  // namespace

CoreStream::CoreStream(uint32_t features, size_t total_features) {
  for (uint32_t row = 1; row <= kBatchRows; ++row) row_ends_.push_back(row * features);
  const size_t batches = std::max<size_t>(total_features / features / kBatchRows, 1);
  labels_.resize(batches * kBatchRows);
  ids_.reserve(labels_.size() * features);
}

CoreStream CoreStream::Zipf(uint32_t features, size_t total_features) {
  CoreStream stream(features, total_features);
  std::mt19937_64 random(1);
  for (float& label : stream.labels_) {
    for (uint32_t field = 0; field < features; ++field) {
      const auto rank = static_cast<uint64_t>(std::pow(1e6, Uniform(random)));
      stream.ids_.push_back(MixedId(rank * features + field));
    }
    label = random() % 7 == 0 ? 1.0f : 0.0f;
  }
  return stream;
}

CoreStream CoreStream::Numbers(uint32_t columns, size_t total_features) {
  CoreStream stream(columns, total_features);
  std::mt19937_64 random(1);
  for (float& label : stream.labels_) {
    for (uint32_t column = 0; column < columns; ++column) {
      stream.ids_.push_back(MixedId(column));
      stream.values_.push_back(static_cast<float>(2 * Uniform(random) - 1));
    }
    label = random() % 7 == 0 ? 1.0f : 0.0f;
  }
  return stream;
}

ExampleBatch CoreStream::Batch(size_t index) const {
  const size_t first = index * kBatchRows;
  const size_t count = kBatchRows * size_t{features()};
  ExampleBatch batch;
  batch.row_ends = row_ends_;
  batch.labels = std::span(labels_).subspan(first, kBatchRows);
  batch.feature_ids = std::span(ids_).subspan(first * features(), count);
  if (!values_.empty()) batch.values = std::span(values_).subspan(first * features(), count);
  return batch;
}

}  // namespace freshet
