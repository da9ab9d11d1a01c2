// Slots that one thread writes while others read them.

#ifndef FRESHET_CORE_MODEL_SLOT_ARRAY_H_
#define FRESHET_CORE_MODEL_SLOT_ARRAY_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "core/optimizer/optimizer.h"

namespace freshet {

// A view of slots as atomic machine words. Loads and stores are plain moves on common processors.
//
// A slot of 4 or 8 bytes is one word, and is never seen half-written. One of 16 bytes is two: a
// reader may see a newer first half beside an older second half, never the other way round, since
// the writer stores the first half first and readers load it last.
template <WeightSlot Slot>
class SlotArray {
 public:
  using Word = std::conditional_t<sizeof(Slot) == 4, uint32_t, uint64_t>;
  static constexpr size_t kSlotWords = sizeof(Slot) / sizeof(Word);

  // `words` are kSlotWords for each slot, and outlive the view.
  explicit SlotArray(Word* words) : words_(words) {}

  Slot Load(size_t index) const { return std::bit_cast<Slot>(LoadWords(index)); }

  // Whether any bit of the slot is set.
  bool IsUsed(size_t index) const { return LoadWords(index) != Words{}; }

  // For the one writer.
  void Store(size_t index, const Slot& slot) {
    Word* word = words_ + index * kSlotWords;
    const auto copy = std::bit_cast<Words>(slot);
    __atomic_store_n(word, copy[0], __ATOMIC_RELAXED);
    if constexpr (kSlotWords == 2) __atomic_store_n(word + 1, copy[1], __ATOMIC_RELEASE);
  }

  void Prefetch(size_t index) const { __builtin_prefetch(words_ + index * kSlotWords, 1); }

 private:
  using Words = std::array<Word, kSlotWords>;

  Words LoadWords(size_t index) const {
    const Word* word = words_ + index * kSlotWords;
    Words copy;
    if constexpr (kSlotWords == 2) copy[1] = __atomic_load_n(word + 1, __ATOMIC_ACQUIRE);
    copy[0] = __atomic_load_n(word, __ATOMIC_RELAXED);
    return copy;
  }

  Word* words_;
};

// A slot outside a table.
template <WeightSlot Slot>
class SingleSlot {
 public:
  Slot Load() const { return SlotArray<Slot>(const_cast<Word*>(words_.data())).Load(0); }
  void Store(const Slot& slot) { SlotArray<Slot>(words_.data()).Store(0, slot); }

 private:
  using Word = typename SlotArray<Slot>::Word;

  std::array<Word, SlotArray<Slot>::kSlotWords> words_{};
};

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_SLOT_ARRAY_H_
