#include "core/feature/example_batch.h"

#include <algorithm>

#include "core/feature/hash.h"

namespace freshet {
namespace {

// Up to this many namespaces are searched linearly.
constexpr size_t kFewNamespaces = 16;

}  // namespace

void ExampleBatchBuilder::BeginRow(float label, float weight) {
  AbandonRow();
  labels_.push_back(label);
  weights_.push_back(weight);
  names_of_row_ = names_ != nullptr && names_->BeginRow() ? names_ : nullptr;
  next_namespace_ = 0;
  old_namespaces_ = namespaces_.size();
  row_open_ = true;
}

void ExampleBatchBuilder::SetLabelAndWeight(float label, float weight) {
  labels_.back() = label;
  weights_.back() = weight;
}

void ExampleBatchBuilder::SetLastLabelAndWeight(float label, float weight) {
  SetLabelAndWeight(label, weight);
  all_weights_one_ &= weight == 1.0f;
}

size_t ExampleBatchBuilder::Namespace(std::string_view name) {
  // Most streams name the same namespaces in the same order in every row.
  if (next_namespace_ < namespaces_.size() && namespaces_[next_namespace_] == name) {
    return next_namespace_++;
  }
  const size_t old_count = namespaces_.size();
  const size_t found = FindNamespace(name);
  next_namespace_ = found + 1;
  if (found != old_count) return found;
  // A namespace that is new to the batch has an empty segment in all rows so far.
  const size_t rows = row_count();
  std::vector<uint32_t> sizes((old_count + 1) * rows, 0);
  for (size_t row = 0; row < rows; ++row) {
    std::copy_n(segment_sizes_.begin() + static_cast<ptrdiff_t>(row * old_count), old_count,
                sizes.begin() + static_cast<ptrdiff_t>(row * (old_count + 1)));
  }
  segment_sizes_ = std::move(sizes);
  namespaces_.emplace_back(name);
  namespace_hashes_.push_back(HashNamespace(name));
  namespace_letters_.push_back(LetterOf(name));
  return old_count;
}

// Returns namespaces_.size() if no namespace has this name.
size_t ExampleBatchBuilder::FindNamespace(std::string_view name) {
  if (namespaces_.size() <= kFewNamespaces) {
    return static_cast<size_t>(std::find(namespaces_.begin(), namespaces_.end(), name) -
                               namespaces_.begin());
  }
  for (size_t i = namespace_indices_.size(); i < namespaces_.size(); ++i) {
    namespace_indices_.emplace(namespaces_[i], i);
  }
  const auto found = namespace_indices_.find(name);
  return found == namespace_indices_.end() ? namespaces_.size() : found->second;
}

void ExampleBatchBuilder::StartRun(size_t namespace_index) {
  EndRun();
  runs_.push_back({namespace_index, feature_ids_.size(), 0});
  run_namespace_ = namespace_index;
}

void ExampleBatchBuilder::EndRun() {
  if (!runs_.empty()) runs_.back().end = feature_ids_.size();
}

void ExampleBatchBuilder::EndRow() {
  EndRun();
  const auto by_namespace = [](const Run& a, const Run& b) {
    return a.namespace_index < b.namespace_index;
  };
  if (!std::is_sorted(runs_.begin(), runs_.end(), by_namespace)) {
    std::stable_sort(runs_.begin(), runs_.end(), by_namespace);
    GroupRunsByNamespace();
  }
  const size_t first_segment = segment_sizes_.size();
  segment_sizes_.resize(first_segment + namespaces_.size(), 0);
  for (const Run& run : runs_) {
    segment_sizes_[first_segment + run.namespace_index] +=
        static_cast<uint32_t>(run.end - run.begin);
  }
  row_ends_.push_back(static_cast<uint32_t>(feature_ids_.size()));
  all_values_one_ &= row_values_one_;
  all_weights_one_ &= weights_.back() == 1.0f;
  runs_.clear();
  run_namespace_ = kNoNamespace;
  row_values_one_ = true;
  row_open_ = false;
}

void ExampleBatchBuilder::GroupRunsByNamespace() {
  grouped_ids_.clear();
  grouped_values_.clear();
  for (const Run& run : runs_) {
    const auto begin = static_cast<ptrdiff_t>(run.begin);
    const auto end = static_cast<ptrdiff_t>(run.end);
    grouped_ids_.insert(grouped_ids_.end(), feature_ids_.begin() + begin,
                        feature_ids_.begin() + end);
    grouped_values_.insert(grouped_values_.end(), values_.begin() + begin, values_.begin() + end);
  }
  const auto row_begin = static_cast<ptrdiff_t>(feature_count());
  std::copy(grouped_ids_.begin(), grouped_ids_.end(), feature_ids_.begin() + row_begin);
  std::copy(grouped_values_.begin(), grouped_values_.end(), values_.begin() + row_begin);
}

void ExampleBatchBuilder::AbandonRow() {
  if (!row_open_) return;
  labels_.pop_back();
  weights_.pop_back();
  feature_ids_.resize(feature_count());
  values_.resize(feature_count());
  runs_.clear();
  run_namespace_ = kNoNamespace;
  row_values_one_ = true;
  row_open_ = false;
  DropNewNamespaces();
}

// Drops the namespaces that were added since the last BeginRow(). No row that was ended uses them.
void ExampleBatchBuilder::DropNewNamespaces() {
  const size_t count = namespaces_.size();
  if (count <= old_namespaces_) return;
  for (size_t row = 0; row < row_count(); ++row) {
    std::copy_n(segment_sizes_.begin() + static_cast<ptrdiff_t>(row * count), old_namespaces_,
                segment_sizes_.begin() + static_cast<ptrdiff_t>(row * old_namespaces_));
  }
  segment_sizes_.resize(row_count() * old_namespaces_);
  for (size_t i = old_namespaces_; i < count; ++i) namespace_indices_.erase(namespaces_[i]);
  namespaces_.resize(old_namespaces_);
  namespace_hashes_.resize(old_namespaces_);
  namespace_letters_.resize(old_namespaces_);
}

void ExampleBatchBuilder::RemoveLastRow() {
  labels_.pop_back();
  weights_.pop_back();
  row_ends_.pop_back();
  feature_ids_.resize(feature_count());
  values_.resize(feature_count());
  segment_sizes_.resize(segment_sizes_.size() - namespaces_.size());
  DropNewNamespaces();
}

void ExampleBatchBuilder::MoveLastRowTo(ExampleBatchBuilder& other) {
  const ExampleBatch view = View();
  const size_t row = view.size() - 1;
  other.BeginRow(view.labels[row], view.Weight(row));
  size_t next = view.RowBegin(row);
  for (size_t n = 0; n < namespaces_.size(); ++n) {
    const uint32_t size = view.segment_sizes[row * namespaces_.size() + n];
    if (size == 0) continue;
    const size_t index = other.Namespace(namespaces_[n]);
    for (const size_t end = next + size; next < end; ++next) {
      other.AddFeature(index, feature_ids_[next], values_[next]);
    }
  }
  other.EndRow();
  RemoveLastRow();
}

void ExampleBatchBuilder::Clear() {
  AbandonRow();
  old_namespaces_ = 0;
  namespaces_.clear();
  namespace_hashes_.clear();
  namespace_letters_.clear();
  namespace_indices_.clear();
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
  view.feature_ids = std::span(feature_ids_).first(feature_count());
  if (!all_values_one_) view.values = std::span(values_).first(feature_count());
  view.namespace_hashes = namespace_hashes_;
  view.namespace_letters = namespace_letters_;
  view.segment_sizes = segment_sizes_;
  return view;
}

}  // namespace freshet
