#include "client/command/row_positions.h"

#include <algorithm>
#include <utility>

#include "core/base/str_cat.h"

namespace freshet {

uint32_t RowPositions::PathIndex(std::string_view path) {
  const SteadyLock lock(&mu_);
  const auto found = std::find(paths_.begin(), paths_.end(), path);
  const auto index = static_cast<uint32_t>(found - paths_.begin());
  if (found == paths_.end()) paths_.emplace_back(path);
  return index;
}

void RowPositions::Add(std::vector<RowPosition> rows) {
  const SteadyLock lock(&mu_);
  const uint64_t first_row = end_row_;
  end_row_ += rows.size();
  blocks_.push_back({first_row, std::move(rows)});
  while (blocks_.size() > 1 && blocks_[1].first_row + capacity_rows_ < end_row_) {
    blocks_.pop_front();
  }
}

std::string RowPositions::Describe(uint64_t row) const {
  const SteadyLock lock(&mu_);
  auto after = std::upper_bound(
      blocks_.begin(), blocks_.end(), row,
      [](uint64_t wanted, const Block& block) { return wanted < block.first_row; });
  if (after == blocks_.begin() || row >= end_row_) return StrCat("row ", row + 1);
  const Block& block = *--after;
  const RowPosition& position = block.rows[row - block.first_row];
  const std::string& path = paths_[position.path_index];
  return StrCat(path == "-" ? "stdin" : path, ":", position.line);
}

}  // namespace freshet
