#include "core/feature/example_batch.h"

#include <algorithm>

#include "core/feature/hash.h"

namespace freshet {

void ExampleBatchBuilder::BeginRow(float label, float weight) {
  AbandonRow();
  labels_.push_back(label);
  weights_.push_back(weight);
  row_open_ = true;
}

size_t ExampleBatchBuilder::Namespace(std::string_view name) {
  const auto found = std::find(namespaces_.begin(), namespaces_.end(), name);
  if (found != namespaces_.end()) return static_cast<size_t>(found - namespaces_.begin());
  // A namespace that is new to the batch has an empty segment in the rows before.
  const size_t old_count = namespaces_.size();
  const size_t rows = row_count();
  std::vector<uint32_t> sizes((old_count + 1) * rows, 0);
  for (size_t row = 0; row < rows; ++row) {
    std::copy_n(segment_sizes_.begin() + static_cast<ptrdiff_t>(row * old_count), old_count,
                sizes.begin() + static_cast<ptrdiff_t>(row * (old_count + 1)));
  }
  segment_sizes_ = std::move(sizes);
  namespaces_.emplace_back(name);
  namespace_hashes_.push_back(HashNamespace(name));
  return old_count;
}

void ExampleBatchBuilder::AddFeature(size_t namespace_index, uint32_t id, float value) {
  if (value == 0) return;
  pending_.push_back({static_cast<uint32_t>(namespace_index), id, value});
}

void ExampleBatchBuilder::EndRow() {
  const auto by_namespace = [](const PendingFeature& a, const PendingFeature& b) {
    return a.namespace_index < b.namespace_index;
  };
  if (!std::is_sorted(pending_.begin(), pending_.end(), by_namespace)) {
    std::stable_sort(pending_.begin(), pending_.end(), by_namespace);
  }
  const size_t first_segment = segment_sizes_.size();
  segment_sizes_.resize(first_segment + namespaces_.size(), 0);
  for (const PendingFeature& feature : pending_) {
    ++segment_sizes_[first_segment + feature.namespace_index];
    feature_ids_.push_back(feature.id);
    values_.push_back(feature.value);
    all_values_one_ &= feature.value == 1.0f;
  }
  pending_.clear();
  row_ends_.push_back(static_cast<uint32_t>(feature_ids_.size()));
  all_weights_one_ &= weights_.back() == 1.0f;
  row_open_ = false;
}

void ExampleBatchBuilder::AbandonRow() {
  if (!row_open_) return;
  labels_.pop_back();
  weights_.pop_back();
  pending_.clear();
  row_open_ = false;
}

void ExampleBatchBuilder::Clear() {
  AbandonRow();
  namespaces_.clear();
  namespace_hashes_.clear();
  labels_.clear();
  weights_.clear();
  row_ends_.clear();
  feature_ids_.clear();
  values_.clear();
  segment_sizes_.clear();
  all_values_one_ = true;
  all_weights_one_ = true;
}

ExampleBatch ExampleBatchBuilder::View() const {
  const size_t rows = row_count();
  ExampleBatch view;
  view.row_ends = row_ends_;
  view.labels = std::span(labels_).first(rows);
  if (!all_weights_one_) view.weights = std::span(weights_).first(rows);
  view.feature_ids = feature_ids_;
  if (!all_values_one_) view.values = values_;
  view.namespace_hashes = namespace_hashes_;
  view.segment_sizes = segment_sizes_;
  return view;
}

}  // namespace freshet
