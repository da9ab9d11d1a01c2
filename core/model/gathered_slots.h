// The slots of one example's features, side by side in groups of four.

#ifndef FRESHET_CORE_MODEL_GATHERED_SLOTS_H_
#define FRESHET_CORE_MODEL_GATHERED_SLOTS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/model/slot_array.h"
#include "core/model/weight_table.h"

namespace freshet {

// Gathered for the score, and put back once a rule has stepped copies of them. Where an example has
// a slot twice, by one id or by two, the second occurrence must see what the first has become:
// PutBack() finds that out, and leaves it to the caller to go slot by slot.
//
// For the writer of the table.
template <WeightSlot Slot>
class GatheredSlots {
 public:
  // Makes room for the groups of an example.
  void Resize(size_t features) {
    const size_t groups = (features + 3) / 4;
    if (groups > groups_.size()) groups_.resize(groups);
  }

  const FourSlots<Slot>* groups() const { return groups_.data(); }

  // Reads the slots of features i to i + 3 of an example's `size`. Behind the last feature stands
  // the slot of feature i again.
  const FourSlots<Slot>& Gather(const HashedSlots<Slot>& slots, const uint32_t* ids, size_t size,
                                size_t i) {
    FourSlots<Slot>& group = groups_.data()[i / 4];
    group = slots.LoadOwnFour(i + 4 <= size ? slots.IndicesOf(ids + i)
                                            : slots.IndicesOf(ids + i, size - i));
    return group;
  }

  // Stores for each feature what stands in `changed`, whole slots or their first words. False, and
  // all slots are as they were gathered, where one occurs twice.
  bool PutBack(HashedSlots<Slot> slots, const uint32_t* ids, size_t size,
               const FourSlots<Slot>* changed) {
    return PutBack<sizeof(Slot)>(slots, ids, size, reinterpret_cast<const std::byte*>(changed));
  }
  bool PutBackHeads(HashedSlots<Slot> slots, const uint32_t* ids, size_t size,
                    const FourHeads<Slot>* changed) {
    return PutBack<sizeof(FourHeads<Slot>) / 4>(slots, ids, size,
                                                reinterpret_cast<const std::byte*>(changed));
  }

 private:
  template <size_t stored_bytes>
  bool PutBack(HashedSlots<Slot> slots, const uint32_t* ids, size_t size,
               const std::byte* changed) {
    const auto* const gathered = reinterpret_cast<const std::byte*>(groups_.data());
#pragma GCC unroll 2
    for (size_t i = 0; i < size; ++i) {
      const uint32_t index = slots.IndexOf(ids[i]);
      if (!slots.template HoldsOwn<stored_bytes>(index, gathered + i * sizeof(Slot))) {
        TakeBack(slots, ids, i);
        return false;
      }
      slots.template StoreBytes<stored_bytes>(index, changed + i * stored_bytes);
    }
    return true;
  }

  // Of the first `count` features.
  [[gnu::noinline]] void TakeBack(HashedSlots<Slot> slots, const uint32_t* ids, size_t count) {
    const auto* const gathered = reinterpret_cast<const std::byte*>(groups_.data());
    for (size_t i = 0; i < count; ++i) {
      slots.template StoreBytes<sizeof(Slot)>(slots.IndexOf(ids[i]), gathered + i * sizeof(Slot));
    }
  }

  std::vector<FourSlots<Slot>> groups_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_GATHERED_SLOTS_H_
