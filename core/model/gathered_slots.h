// The slots of one example's features, copied into consecutive groups of four.

#ifndef FRESHET_CORE_MODEL_GATHERED_SLOTS_H_
#define FRESHET_CORE_MODEL_GATHERED_SLOTS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/model/slot_array.h"
#include "core/model/weight_table.h"

namespace freshet {

// Slots are gathered to compute the score, and put back after a rule has stepped copies of them. If
// an example has the same slot twice, by the same id or by two ids, the second occurrence must see
// the result of the first. PutBack() therefore stops at a second occurrence and leaves it to the
// caller.
//
// Only for the writer of the table.
template <WeightSlot Slot>
class GatheredSlots {
 public:
  // Makes room for the groups of an example.
  void Resize(size_t features) {
    const size_t groups = (features + 3) / 4;
    if (groups > groups_.size()) groups_.resize(groups);
  }

  const FourSlots<Slot>* groups() const { return groups_.data(); }

  // Reads the slots of features i to i + 3 of an example with `size` features. After the last
  // feature, the group is filled up with the slot of feature i.
  const FourSlots<Slot>& Gather(const HashedSlots<Slot>& slots, const uint32_t* ids, size_t size,
                                size_t i) {
    FourSlots<Slot>& group = groups_.data()[i / 4];
    group = slots.LoadOwnFour(i + 4 <= size ? slots.IndicesOf(ids + i)
                                            : slots.IndicesOf(ids + i, size - i));
    return group;
  }

  // Stores the contents of `changed` into the slots of the features from `first` on: whole slots,
  // or only their first words. Stops at a slot that has changed since it was gathered; returns the
  // index of its feature, or `size` if there is none.
  size_t PutBack(HashedSlots<Slot> slots, const uint32_t* ids, size_t first, size_t size,
                 const FourSlots<Slot>* changed) const {
    return PutBackBytes<sizeof(Slot)>(slots, ids, first, size, changed);
  }
  size_t PutBackHeads(HashedSlots<Slot> slots, const uint32_t* ids, size_t first, size_t size,
                      const FourHeads<Slot>* changed) const {
    return PutBackBytes<sizeof(FourHeads<Slot>) / 4>(slots, ids, first, size, changed);
  }

  // Restores the slots of the first `count` features to what was gathered. Rarely called, so not
  // inlined.
  [[gnu::noinline]] void TakeBack(HashedSlots<Slot> slots, const uint32_t* ids,
                                  size_t count) const {
    const auto* const gathered = reinterpret_cast<const std::byte*>(groups_.data());
    for (size_t i = 0; i < count; ++i) {
      slots.template StoreBytes<sizeof(Slot)>(slots.IndexOf(ids[i]), gathered + i * sizeof(Slot));
    }
  }

 private:
  template <size_t stored_bytes>
  size_t PutBackBytes(HashedSlots<Slot> slots, const uint32_t* ids, size_t first, size_t size,
                      const void* changed) const {
    const auto* const before = reinterpret_cast<const std::byte*>(groups_.data());
    const auto* const after = static_cast<const std::byte*>(changed);
    size_t i = first;
#pragma GCC unroll 2
    for (; i < size; ++i) {
      const uint32_t index = slots.IndexOf(ids[i]);
      if (!slots.template HoldsOwn<stored_bytes>(index, before + i * sizeof(Slot))) break;
      slots.template StoreBytes<stored_bytes>(index, after + i * stored_bytes);
    }
    return i;
  }

  std::vector<FourSlots<Slot>> groups_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_GATHERED_SLOTS_H_
