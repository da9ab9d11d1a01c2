// A batch of examples in columnar form: the input of learners.

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

// Element i of a column of values or weights, which is empty if all elements are 1.
inline float ValueAt(std::span<const float> column, size_t i) {
  return column.empty() ? 1.0f : column[i];
}

// The letter of a namespace; see ExampleBatch::namespace_letters.
inline unsigned char LetterOf(std::string_view namespace_name) {
  return namespace_name.empty() ? ' ' : static_cast<unsigned char>(namespace_name[0]);
}

// A view of columns that live elsewhere; copying it copies no data.
//
// Row r has the features [RowBegin(r), RowEnd(r)) of the feature columns. The features of a row are
// grouped into one segment per namespace, in the order of `namespace_hashes`; `segment_sizes` tells
// how many features each segment has.
struct ExampleBatch {
  std::span<const uint32_t> row_ends;          // One per row; never falls.
  std::span<const float> labels;               // One per row; may be empty to predict. Finite.
  std::span<const float> weights;              // One per row, or empty: all 1. Finite, >= 0.
  std::span<const uint32_t> feature_ids;       // row_ends.back() of them.
  std::span<const float> values;               // One per feature, or empty: all 1. Finite.
  std::span<const uint32_t> namespace_hashes;  // One per namespace.
  // One number per row and namespace, row by row; or one per namespace if all rows share them.
  std::span<const uint32_t> segment_sizes;
  // The first byte of each namespace's name, ' ' for the default namespace; may be empty if nobody
  // groups features by it.
  std::span<const unsigned char> namespace_letters = {};
  // What is added to the score of each row, or empty: nothing. Only FeaturedLearner fills it in.
  std::span<const float> offsets = {};

  size_t size() const { return row_ends.size(); }
  uint32_t RowBegin(size_t row) const { return row == 0 ? 0 : row_ends[row - 1]; }
  uint32_t RowEnd(size_t row) const { return row_ends[row]; }
  float Weight(size_t row) const { return ValueAt(weights, row); }
  float Offset(size_t row) const { return offsets.empty() ? 0.0f : offsets[row]; }
};

// Owns the columns of a batch and fills them row by row. Not thread-safe.
//
//   builder.BeginRow(label, weight);
//   size_t user = builder.Namespace("user");   // In any order; may recur later in the row.
//   builder.AddFeature(user, id, value);
//   builder.EndRow();
//
// Columns keep their capacity across Clear(), so that a reused builder does not allocate.
class ExampleBatchBuilder {
 public:
  // Starts a row. `label` and `weight` are stored unchecked. Drops a row that is still open, as
  // AbandonRow() does.
  void BeginRow(float label, float weight);

  // Changes the label and the weight of the open row.
  void SetLabelAndWeight(float label, float weight);

  // The same for the row that was ended last. REQUIRES: as for RemoveLastRow().
  void SetLastLabelAndWeight(float label, float weight);

  // The index of the namespace with this name. Adds the namespace if it is new to the batch.
  size_t Namespace(std::string_view name);

  // Adds a feature to the open row. Features of one namespace keep their order; a feature of value
  // 0 is left out. REQUIRES: `namespace_index` was returned by Namespace() since the last Clear().
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

  // From the next row on, notes the names that come with features in `names`, for as many rows as
  // `names` wants; also for rows that are later abandoned. Null turns this off. The setting
  // survives Clear(). `names` must outlive the builder or the next call of KeepNames().
  void KeepNames(NewNames* names) {
    names_ = names;
    names_of_row_ = nullptr;
  }
  NewNames* names() const { return names_; }

  // Ends the row: its features are now grouped by namespace.
  void EndRow();

  // Drops the open row, if any, as if BeginRow had not been called: with the namespaces that were
  // new in it.
  void AbandonRow();

  // Removes the row that was ended last, with the namespaces that were new in it. REQUIRES:
  // BeginRow() has not been called since its EndRow().
  void RemoveLastRow();

  // Moves the row that was ended last to the end of `other`, without those of its namespaces that
  // have no features in it. REQUIRES: as for RemoveLastRow(); no row of `other` is open.
  void MoveLastRowTo(ExampleBatchBuilder& other);

  // Removes all rows and namespaces; keeps the memory.
  void Clear();

  // The rows that were ended. Valid until the next non-const call.
  ExampleBatch View() const;

  size_t row_count() const { return labels_.size() - (row_open_ ? 1 : 0); }
  size_t feature_count() const { return row_ends_.empty() ? 0 : row_ends_.back(); }
  // The names of the namespaces, by index.
  std::span<const std::string> namespaces() const { return namespaces_; }
  // The hash of the namespace's name. REQUIRES: `namespace_index` is as for AddFeature().
  uint32_t namespace_hash(size_t namespace_index) const {
    return namespace_hashes_[namespace_index];
  }
  // True if every feature of every ended row has value 1; View().values is then empty.
  bool all_values_one() const { return all_values_one_; }

 private:
  struct NameHash {
    using is_transparent = void;
    size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
  };

  // A run of adjacent features of the open row that belong to one namespace.
  struct Run {
    size_t namespace_index;
    size_t begin;
    size_t end;
  };

  void StartRun(size_t namespace_index);
  void EndRun();
  void GroupRunsByNamespace();
  size_t FindNamespace(std::string_view name);
  void DropNewNamespaces();

  static constexpr size_t kNoNamespace = static_cast<size_t>(-1);

  NewNames* names_ = nullptr;
  NewNames* names_of_row_ = nullptr;  // names_, or null if it does not want those of the open row.

  bool row_open_ = false;
  size_t old_namespaces_ = 0;  // How many namespaces there were before the row that was begun last.
  size_t run_namespace_ = kNoNamespace;  // Of the run that AddFeature() adds to.
  std::vector<Run> runs_;                // Of the open row; the last one's end is not set yet.
  bool row_values_one_ = true;
  size_t next_namespace_ = 0;  // A guess: the next one requested if this row is like the last.
  // Scratch of GroupRunsByNamespace(), kept for its capacity.
  std::vector<uint32_t> grouped_ids_;
  std::vector<float> grouped_values_;

  std::vector<std::string> namespaces_;
  std::vector<uint32_t> namespace_hashes_;
  std::vector<unsigned char> namespace_letters_;
  // From name to index; filled only if there are many namespaces.
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
