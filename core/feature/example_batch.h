// A batch of examples as columns: what learners learn from and predict.

#ifndef FRESHET_CORE_FEATURE_EXAMPLE_BATCH_H_
#define FRESHET_CORE_FEATURE_EXAMPLE_BATCH_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/feature/new_names.h"

namespace freshet {

// A view of columns that live elsewhere; copying it copies no data.
//
// Row r has the features [RowBegin(r), RowEnd(r)) of the feature columns. The features of a row are
// grouped by namespace, in the order of `namespace_hashes`; segment_sizes tells how many there are
// of each.
struct ExampleBatch {
  std::span<const uint32_t> row_ends;          // One a row: rises, starts at >= 0.
  std::span<const float> labels;               // One a row; may be empty when predicting. Finite.
  std::span<const float> weights;              // One a row, or empty: all 1. Finite, >= 0.
  std::span<const uint32_t> feature_ids;       // row_ends.back() of them.
  std::span<const float> values;               // One a feature, or empty: all 1. Finite.
  std::span<const uint32_t> namespace_hashes;  // One a namespace.
  // rows * namespaces numbers, or `namespaces` numbers where all rows have the same shape.
  std::span<const uint32_t> segment_sizes;

  size_t size() const { return row_ends.size(); }
  uint32_t RowBegin(size_t row) const { return row == 0 ? 0 : row_ends[row - 1]; }
  uint32_t RowEnd(size_t row) const { return row_ends[row]; }
  float Weight(size_t row) const { return weights.empty() ? 1.0f : weights[row]; }
};

// Owns the columns of a batch and fills them row by row. Not thread-safe.
//
//   builder.BeginRow(label, weight);
//   size_t user = builder.Namespace("user");   // Any order; may come again later in the row.
//   builder.AddFeature(user, id, value);
//   builder.EndRow();
//
// Columns keep their capacity over Clear(), so that a reused builder does not allocate.
class ExampleBatchBuilder {
 public:
  // Starts a row. REQUIRES: no row is open. `label` and `weight` are stored as they are.
  void BeginRow(float label, float weight);

  // Changes the label and the weight of the open row.
  void SetLabelAndWeight(float label, float weight);

  // The index of the namespace with this name, which is added where it is new to the batch.
  size_t Namespace(std::string_view name);

  // Adds a feature to the open row. Features of one namespace keep their order; a value of 0 is
  // left out. REQUIRES: namespace_index comes from Namespace() since the last Clear().
  void AddFeature(size_t namespace_index, uint32_t id, float value) {
    if (value == 0) return;
    if (namespace_index != run_namespace_) StartRun(namespace_index);
    feature_ids_.push_back(id);
    values_.push_back(value);
    row_values_one_ &= value == 1.0f;
  }

  // The same for a feature whose name is known; see KeepNames().
  void AddFeature(size_t namespace_index, std::string_view name, uint32_t id, float value) {
    if (names_of_row_ != nullptr && value != 0) {
      names_of_row_->Note(namespaces_[namespace_index], name, id);
    }
    AddFeature(namespace_index, id, value);
  }

  // Names that come with the features of rows from the next one on are noted in `names`, for as
  // many rows as it wants, those that are then abandoned too; null: nowhere. Stays over Clear().
  // `names` must live as long.
  void KeepNames(NewNames* names) {
    names_ = names;
    names_of_row_ = nullptr;
  }
  NewNames* names() const { return names_; }

  // Ends the row: its features are now grouped by namespace.
  void EndRow();

  // Drops the open row, if any, as if BeginRow had not been called.
  void AbandonRow();

  // Takes back the row that was ended last. Its namespaces stay. REQUIRES: no row is open and
  // row_count() > 0.
  void RemoveLastRow();

  // Forgets rows and namespaces, keeps memory.
  void Clear();

  // The rows that were ended. Valid until the next non-const call.
  ExampleBatch View() const;

  size_t row_count() const { return labels_.size() - (row_open_ ? 1 : 0); }
  size_t feature_count() const { return row_ends_.empty() ? 0 : row_ends_.back(); }
  // Names in the order of their index.
  std::span<const std::string> namespaces() const { return namespaces_; }
  // The hash of the name. REQUIRES: as for AddFeature().
  uint32_t namespace_hash(size_t namespace_index) const {
    return namespace_hashes_[namespace_index];
  }
  // True where every feature of every ended row has value 1 (then View().values is empty).
  bool all_values_one() const { return all_values_one_; }

 private:
  struct NameHash {
    using is_transparent = void;
    size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
  };

  // Features of the open row, side by side in the columns, that are of one namespace.
  struct Run {
    size_t namespace_index;
    size_t begin;
    size_t end;
  };

  void StartRun(size_t namespace_index);
  void EndRun();
  void GroupRunsByNamespace();
  size_t FindNamespace(std::string_view name);

  static constexpr size_t kNoNamespace = static_cast<size_t>(-1);

  NewNames* names_ = nullptr;
  NewNames* names_of_row_ = nullptr;  // Null where those of the open row are not wanted.

  bool row_open_ = false;
  size_t run_namespace_ = kNoNamespace;  // Of the run that AddFeature() adds to.
  std::vector<Run> runs_;                // Of the open row; the last one's end is not set yet.
  bool row_values_one_ = true;
  size_t next_namespace_ = 0;  // The one that is asked for next, if rows are alike.
  // Kept for their capacity by GroupRunsByNamespace().
  std::vector<uint32_t> grouped_ids_;
  std::vector<float> grouped_values_;

  std::vector<std::string> namespaces_;
  std::vector<uint32_t> namespace_hashes_;
  // From name to index; filled only when there are many namespaces.
  std::unordered_map<std::string, size_t, NameHash, std::equal_to<>> namespace_indices_;
  std::vector<float> labels_;
  std::vector<float> weights_;
  std::vector<uint32_t> row_ends_;
  // These two also hold the features of the open row.
  std::vector<uint32_t> feature_ids_;
  std::vector<float> values_;
  std::vector<uint32_t> segment_sizes_;
  bool all_values_one_ = true;
  bool all_weights_one_ = true;
};

}  // namespace freshet

#endif  // FRESHET_CORE_FEATURE_EXAMPLE_BATCH_H_
