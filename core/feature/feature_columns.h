// Columns in which the features of rows are built.

#ifndef FRESHET_CORE_FEATURE_FEATURE_COLUMNS_H_
#define FRESHET_CORE_FEATURE_FEATURE_COLUMNS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace freshet {

// Feature ids and values, row by row. A row holds at most kMaxRowFeatures, so that no example grows
// without bound: features beyond that are dropped, and the row is then called cut. Not thread-safe;
// keeps its memory across Clear().
class FeatureColumns {
 public:
  static constexpr size_t kMaxRowFeatures = 65'536;

  void Clear() {
    ids_.clear();
    values_.clear();
    row_ends_.clear();
    offsets_.clear();
    is_cut_ = false;
  }

  void Add(uint32_t id, float value) {
    if (room() == 0) {
      Cut();
      return;
    }
    ids_.push_back(id);
    values_.push_back(value);
  }

  // Appends up to `count` features for the caller to fill in, and returns how many. Fewer than
  // `count` means that the row is full and now cut.
  size_t Grow(size_t count) {
    const size_t grown = std::min(count, room());
    is_cut_ |= grown < count;
    ids_.resize(ids_.size() + grown);
    values_.resize(values_.size() + grown);
    return grown;
  }

  // Removes `count` features of the open row, from `begin` on.
  void Remove(size_t begin, size_t count) {
    const auto first = static_cast<std::ptrdiff_t>(begin);
    const auto last = static_cast<std::ptrdiff_t>(begin + count);
    ids_.erase(ids_.begin() + first, ids_.begin() + last);
    values_.erase(values_.begin() + first, values_.begin() + last);
  }

  // Adds to what is added to the score of the open row.
  void AddOffset(float offset) {
    offsets_.resize(row_ends_.size() + 1);
    offsets_.back() += offset;
  }

  // Records that a feature was left out of the open row.
  void Cut() { is_cut_ = true; }
  // Whether a feature was left out of the open row.
  bool is_cut() const { return is_cut_; }

  // Keeps the features of the open row for which keep(id) is true.
  template <typename Keep>
  void Filter(const Keep& keep) {
    size_t kept = row_begin();
    for (size_t i = kept; i < size(); ++i) {
      if (!keep(ids_[i])) continue;
      ids_[kept] = ids_[i];
      values_[kept++] = values_[i];
    }
    ids_.resize(kept);
    values_.resize(kept);
  }

  void EndRow() {
    row_ends_.push_back(static_cast<uint32_t>(size()));
    if (!offsets_.empty()) offsets_.resize(row_ends_.size());
    is_cut_ = false;
  }

  size_t size() const { return ids_.size(); }
  // Where the open row begins.
  size_t row_begin() const { return row_ends_.empty() ? 0 : row_ends_.back(); }
  // How many features the open row may still take.
  size_t room() const { return row_begin() + kMaxRowFeatures - size(); }

  uint32_t* ids() { return ids_.data(); }
  float* values() { return values_.data(); }
  const std::vector<uint32_t>& id_column() const { return ids_; }
  const std::vector<float>& value_column() const { return values_; }
  const std::vector<uint32_t>& row_ends() const { return row_ends_; }
  // One number for each ended row, or empty: all 0.
  const std::vector<float>& offsets() const { return offsets_; }

 private:
  std::vector<uint32_t> ids_;
  std::vector<float> values_;
  std::vector<uint32_t> row_ends_;
  std::vector<float> offsets_;
  bool is_cut_ = false;
};

// The features of one namespace in the open row.
struct FeatureSegment {
  uint32_t namespace_hash = 0;
  size_t begin = 0;
  size_t end = 0;

  size_t size() const { return end - begin; }
};

}  // namespace freshet

#endif  // FRESHET_CORE_FEATURE_FEATURE_COLUMNS_H_
