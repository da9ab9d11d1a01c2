// Prefetches the slots of upcoming examples into the cache.

#ifndef FRESHET_CORE_MODEL_PREFETCHER_H_
#define FRESHET_CORE_MODEL_PREFETCHER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/feature/example_batch.h"
#include "core/model/weight_table.h"

namespace freshet {

// Stays a few rows ahead of a loop over the rows of a batch. A processor stalls when it has some
// two dozen outstanding cache line requests, so a row's slots are requested in parts, with
// arithmetic in between. Does not affect results.
//
// Keeps references to the slots and to the batch and its columns.
template <WeightSlot Slot>
class Prefetcher {
 public:
  // The batch's ids are those that `slots` are looked up by.
  Prefetcher(const HashedSlots<Slot>& slots, const ExampleBatch& batch)
      : slots_(slots), batch_(batch), ids_(batch.feature_ids.data()) {
    if (batch.size() == 0) return;
    BeginRow(0);
    FetchAll();
  }

  // Sets how far to prefetch while `row` is processed. REQUIRES: row < batch.size(); rows come in
  // order.
  [[gnu::always_inline]] void BeginRow(size_t row) {
    const size_t last_row = std::min(row + kAheadRows, batch_.size() - 1);
    end_ = std::min<size_t>(batch_.RowEnd(last_row), batch_.RowEnd(row) + kAheadFeatures);
    part_ = (end_ - std::min(next_, end_) + kParts - 1) / kParts;
  }

  // Fetches the next part of the row's share. Call it kParts times per row.
  void FetchPart() { FetchUpTo(std::min(next_ + part_, end_)); }
  void FetchAll() { FetchUpTo(end_); }

 private:
  // Enough to hide the memory latency. More would be slower, because slots would be evicted from
  // the L1 cache before their row's turn.
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
  size_t next_ = 0;  // The first feature that has not been fetched.
  size_t end_ = 0;   // Features before this one may be fetched now.
  size_t part_ = 0;  // How many features FetchPart() fetches.
};

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_PREFETCHER_H_
