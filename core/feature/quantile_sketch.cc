#include "core/feature/quantile_sketch.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace freshet {

void QuantileSketch::Add(float value) {
  if (levels_.empty()) levels_.emplace_back();
  levels_[0].items.push_back(value);
  ++count_;
  for (size_t level = 0; levels_[level].items.size() == kLevelItems; ++level) Compact(level);
}

void QuantileSketch::Compact(size_t level) {
  if (level + 1 == levels_.size()) levels_.emplace_back();
  std::vector<float>& items = levels_[level].items;
  std::sort(items.begin(), items.end());
  bool& takes_second = levels_[level].takes_second;
  for (size_t i = takes_second ? 1 : 0; i < kLevelItems; i += 2) {
    levels_[level + 1].items.push_back(items[i]);
  }
  takes_second = !takes_second;
  items.clear();
}

void QuantileSketch::FindQuantiles(std::span<float> bounds) const {
  std::vector<std::pair<float, uint64_t>> items;  // An item, and how many numbers it stands for.
  for (size_t level = 0; level < levels_.size(); ++level) {
    for (const float item : levels_[level].items) items.emplace_back(item, uint64_t{1} << level);
  }
  std::sort(items.begin(), items.end());
  size_t next = 0;
  uint64_t rank = 0;
  for (size_t i = 0; i < items.size() && next < bounds.size(); ++i) {
    rank += items[i].second;
    const auto share = static_cast<double>(rank) / static_cast<double>(count_);
    while (next < bounds.size() &&
           share * static_cast<double>(bounds.size() + 1) >= static_cast<double>(next + 1)) {
      bounds[next++] = items[i].first;
    }
  }
  for (; next < bounds.size(); ++next) bounds[next] = items.back().first;
}

void QuantileSketch::SaveState(StateWriter& writer) const {
  writer.WriteValue(static_cast<uint32_t>(levels_.size()));
  for (const Level& level : levels_) {
    writer.WriteValue(static_cast<uint8_t>(level.takes_second));
    writer.WriteValue(static_cast<uint32_t>(level.items.size()));
    writer.Write(std::as_bytes(std::span(level.items)));
  }
}

absl::Status QuantileSketch::LoadState(StateReader& reader) {
  const auto level_count = reader.ReadValue<uint32_t>();
  bool possible = level_count <= kMaxLevels;
  for (uint32_t i = 0; i < level_count && possible; ++i) {
    Level& level = levels_.emplace_back();
    const auto takes_second = reader.ReadValue<uint8_t>();
    const auto size = reader.ReadValue<uint32_t>();
    possible = takes_second <= 1 && size < kLevelItems;
    if (!possible) break;
    level.takes_second = takes_second != 0;
    level.items.resize(size);
    reader.Read(std::as_writable_bytes(std::span(level.items)));
    for (const float item : level.items) possible &= std::isfinite(item);
    count_ += uint64_t{size} << i;
  }
  if (!reader.status().ok()) return reader.status();
  if (!possible) {
    return reader.Damaged("the quantile sketch of a numeric feature is malformed");
  }
  return absl::OkStatus();
}

}  // namespace freshet
