// Finds the largest weights of a learner, and the largest changes between two. May run in any
// thread while the writer learns.

#ifndef FRESHET_CORE_MODEL_TOP_WEIGHTS_H_
#define FRESHET_CORE_MODEL_TOP_WEIGHTS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/model/learner.h"

namespace freshet {

struct SlotWeight {
  uint32_t slot = 0;
  TableWeight weight;
};

struct SlotChange {
  uint32_t slot = 0;
  float old_weight = 0;
  TableWeight new_weight;
};

struct WeightComparison {
  std::vector<SlotChange> changes;  // The largest by absolute value, largest first.
  uint64_t added_count = 0;         // Weights that were 0 and no longer are.
  uint64_t removed_count = 0;       // Weights that were not 0 and now are.
  uint64_t changed_count = 0;       // All weights that differ.
};

namespace internal {

// Keeps the items of the largest size, in a heap whose root is the smallest of them.
template <typename Item>
class Largest {
 public:
  explicit Largest(size_t limit) : limit_(limit) {}

  // REQUIRES: item.slot is larger than in all calls before.
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

  // The items, largest first; among equal ones the lower slot first.
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

  size_t limit_;
  std::vector<Entry> heap_;
};

}  // namespace internal

// Finds the `limit` largest weights by absolute value. Weights of 0 are left out. Reads the whole
// table once, a part with each call of ReadPart(), so that the caller may stop or yield in between.
// Memory is bounded by `limit`.
//
//   TopWeightsScan scan(learner, 50);
//   while (scan.ReadPart()) continue;
//   const std::vector<SlotWeight> top = scan.Take();
//
// Keeps a reference to the learner. Not thread-safe.
class TopWeightsScan {
 public:
  TopWeightsScan(const Learner& learner, size_t limit) : learner_(learner), largest_(limit) {}

  // Reads the next part of the table. False if there was nothing left to read.
  bool ReadPart();

  // The weights found, largest first; among equal ones the lower slot first. Call it only once.
  std::vector<SlotWeight> Take() { return largest_.Take(); }

 private:
  const Learner& learner_;
  internal::Largest<SlotWeight> largest_;
  uint64_t next_slot_ = 0;
};

// Finds what changed from one learner to another. Used like TopWeightsScan. REQUIRES: both have the
// same number of slots.
class WeightComparisonScan {
 public:
  WeightComparisonScan(const Learner& old_learner, const Learner& new_learner, size_t limit)
      : old_learner_(old_learner), new_learner_(new_learner), largest_(limit) {}

  bool ReadPart();
  WeightComparison Take();

 private:
  const Learner& old_learner_;
  const Learner& new_learner_;
  internal::Largest<SlotChange> largest_;
  WeightComparison counts_;
  uint64_t next_slot_ = 0;
};

// The score of an example without features.
float InterceptOf(const Learner& learner);

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_TOP_WEIGHTS_H_
