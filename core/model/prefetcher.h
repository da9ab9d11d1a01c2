// Fetches the slots of coming examples into the cache.

#ifndef FRESHET_CORE_MODEL_PREFETCHER_H_
#define FRESHET_CORE_MODEL_PREFETCHER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/feature/example_batch.h"
#include "core/model/weight_table.h"

namespace freshet {

// Stays some rows ahead of whoever goes through a batch row by row. A processor waits for memory
// once it has asked for some two dozen lines, so a row's worth is asked for in parts, and
// arithmetic fills the time between them. Changes no result.
//
// Refers to the table's slots and to the batch's columns.
template <WeightSlot Slot>
class Prefetcher {
 public:
  Prefetcher(const WeightTable<Slot>& table, const ExampleBatch& batch)
      : slots_(table.slots()), batch_(batch), ids_(batch.feature_ids.data()) {
    if (batch.size() == 0) return;
    BeginRow(0);
    FetchAll();
  }

  // REQUIRES: row < batch.size(); rows come in order.
  void BeginRow(size_t row) {
    const size_t last_row = std::min(row + kAheadRows, batch_.size() - 1);
    end_ = std::min<size_t>(batch_.RowEnd(last_row), batch_.RowEnd(row) + kAheadFeatures);
    part_ = (end_ - std::min(next_, end_) + kParts - 1) / kParts;
  }

  // Called kParts times a row.
  void FetchPart() { FetchUpTo(std::min(next_ + part_, end_)); }
  void FetchAll() { FetchUpTo(end_); }

 private:
  // Enough to hide memory's latency. More is slower: a row's own slots then leave the first cache
  // before their turn comes.
  static constexpr size_t kAheadRows = 4;
  static constexpr size_t kAheadFeatures = 128;
  static constexpr size_t kParts = 3;

  void FetchUpTo(size_t end) {
#pragma GCC unroll 4
    for (; next_ < end; ++next_) slots_.Prefetch(slots_.IndexOf(ids_[next_]));
  }

  const HashedSlots<Slot> slots_;
  const ExampleBatch& batch_;
  const uint32_t* const ids_;
  size_t next_ = 0;  // The first feature that was not fetched.
  size_t end_ = 0;   // Up to where features may be fetched now,
  size_t part_ = 0;  // and how many of them at a time.
};

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_PREFETCHER_H_
