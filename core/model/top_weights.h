// Which weights of a learner matter most. Any thread, beside the writer.

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
  std::vector<SlotChange> changes;  // The largest, whatever their sign, largest first.
  uint64_t added_count = 0;         // Weights that were 0 and are not,
  uint64_t removed_count = 0;       // that were not and are 0,
  uint64_t changed_count = 0;       // and that differ at all.
};

namespace internal {

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

  // The largest first; of equal ones the lower slot first.
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

// Finds the `limit` largest weights, whatever their sign. Weights of 0 are left out. Reads the
// whole table once, a part with each call, so that who reads may stop or make room for others;
// memory is bounded by `limit`.
//
//   TopWeightsScan scan(learner, 50);
//   while (scan.ReadPart()) continue;
//   const std::vector<SlotWeight> top = scan.Take();
//
// Keeps a reference to the learner. Not thread-safe.
class TopWeightsScan {
 public:
  TopWeightsScan(const Learner& learner, size_t limit) : learner_(learner), largest_(limit) {}

  // Reads some hundred slots more. False where there is nothing left to read.
  bool ReadPart();

  // What was found: the largest first, of equal ones the lower slot first. Call once.
  std::vector<SlotWeight> Take() { return largest_.Take(); }

 private:
  const Learner& learner_;
  internal::Largest<SlotWeight> largest_;
  uint64_t next_slot_ = 0;
};

// Finds what changed from one learner to another; as TopWeightsScan. REQUIRES: they have equally
// many slots.
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
