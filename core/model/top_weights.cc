#include "core/model/top_weights.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <utility>

namespace freshet {
namespace {

// Slots that are read at a time; tables have a multiple of it, since they have at least 2^10.
constexpr uint32_t kBlockSlots = 1024;

// Keeps the items of the largest size, in a heap whose root is the least of them.
template <typename Item>
class Largest {
 public:
  explicit Largest(size_t limit) : limit_(limit) {}

  // REQUIRES: slots rise from call to call.
  void Add(double size, const Item& item) {
    if (heap_.size() < limit_) {
      heap_.emplace_back(size, item);
      std::push_heap(heap_.begin(), heap_.end(), &Before);
    } else if (limit_ > 0 && size > heap_.front().first) {
      std::pop_heap(heap_.begin(), heap_.end(), &Before);
      heap_.back() = {size, item};
      std::push_heap(heap_.begin(), heap_.end(), &Before);
    }
  }

  // The largest first.
  std::vector<Item> Take() {
    std::sort_heap(heap_.begin(), heap_.end(), &Before);
    std::vector<Item> items;
    items.reserve(heap_.size());
    for (const auto& [size, item] : heap_) items.push_back(item);
    return items;
  }

 private:
  using Entry = std::pair<double, Item>;

  static bool Before(const Entry& a, const Entry& b) {
    return a.first != b.first ? a.first > b.first : a.second.slot < b.second.slot;
  }

  const size_t limit_;
  std::vector<Entry> heap_;
};

}  // namespace

std::vector<SlotWeight> TopWeights(const Learner& learner, size_t limit) {
  Largest<SlotWeight> largest(limit);
  std::array<TableWeight, kBlockSlots> block;
  for (uint64_t first = 0; first < learner.slot_count(); first += kBlockSlots) {
    learner.ReadWeights(static_cast<uint32_t>(first), block);
    for (uint32_t i = 0; i < kBlockSlots; ++i) {
      if (block[i].weight == 0) continue;
      largest.Add(std::abs(block[i].weight), {static_cast<uint32_t>(first) + i, block[i]});
    }
  }
  return largest.Take();
}

WeightComparison CompareWeights(const Learner& old_learner, const Learner& new_learner,
                                size_t limit) {
  WeightComparison comparison;
  Largest<SlotChange> largest(limit);
  std::array<TableWeight, kBlockSlots> old_block;
  std::array<TableWeight, kBlockSlots> new_block;
  for (uint64_t first = 0; first < new_learner.slot_count(); first += kBlockSlots) {
    old_learner.ReadWeights(static_cast<uint32_t>(first), old_block);
    new_learner.ReadWeights(static_cast<uint32_t>(first), new_block);
    for (uint32_t i = 0; i < kBlockSlots; ++i) {
      const float was = old_block[i].weight;
      const float is = new_block[i].weight;
      if (was == is) continue;
      ++comparison.changed_count;
      if (was == 0) ++comparison.added_count;
      if (is == 0) ++comparison.removed_count;
      largest.Add(std::abs(1.0 * is - was), {static_cast<uint32_t>(first) + i, was, new_block[i]});
    }
  }
  comparison.changes = largest.Take();
  return comparison;
}

float InterceptOf(const Learner& learner) {
  const uint32_t zero = 0;
  const ExampleBatch nothing{.row_ends = {&zero, 1},
                             .labels = {},
                             .weights = {},
                             .feature_ids = {},
                             .values = {},
                             .namespace_hashes = {&zero, 1},
                             .segment_sizes = {&zero, 1}};
  float score = 0;
  learner.PredictBatch(nothing, {&score, 1});
  return score;
}

}  // namespace freshet
