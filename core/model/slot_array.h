// Slots that one thread writes while others read them.

#ifndef FRESHET_CORE_MODEL_SLOT_ARRAY_H_
#define FRESHET_CORE_MODEL_SLOT_ARRAY_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "core/base/float4.h"
#include "core/optimizer/optimizer.h"

namespace freshet {

// Four slots of one or two floats as they stand in memory, in registers.
template <WeightSlot Slot>
using FourSlots = std::array<Float4, sizeof(Slot) / sizeof(float)>;

// Of slots of one word.
inline std::array<Float4, 1> LoadFourWords(const uint32_t* words,
                                           const std::array<uint32_t, 4>& indices) {
  using Words = uint32_t __attribute__((vector_size(16)));
  return {std::bit_cast<Float4>(
      Words{words[indices[0]], words[indices[1]], words[indices[2]], words[indices[3]]})};
}
inline std::array<Float4, 2> LoadFourWords(const uint64_t* words,
                                           const std::array<uint32_t, 4>& indices) {
  using Words = uint64_t __attribute__((vector_size(16)));
  return {std::bit_cast<Float4>(Words{words[indices[0]], words[indices[1]]}),
          std::bit_cast<Float4>(Words{words[indices[2]], words[indices[3]]})};
}

// Their first numbers, their second ones, and so on; and back.
inline std::array<Float4, 1> Transposed(const std::array<Float4, 1>& slots) { return slots; }
inline std::array<Float4, 1> TransposedBack(const std::array<Float4, 1>& numbers) {
  return numbers;
}
inline std::array<Float4, 2> Transposed(const std::array<Float4, 2>& slots) {
  return {__builtin_shufflevector(slots[0], slots[1], 0, 2, 4, 6),
          __builtin_shufflevector(slots[0], slots[1], 1, 3, 5, 7)};
}
inline std::array<Float4, 2> TransposedBack(const std::array<Float4, 2>& numbers) {
  return {__builtin_shufflevector(numbers[0], numbers[1], 0, 4, 1, 5),
          __builtin_shufflevector(numbers[0], numbers[1], 2, 6, 3, 7)};
}

// A view of slots as atomic machine words. Loads and stores are plain moves on common processors.
//
// A slot of 4 or 8 bytes is one word, and is never seen half-written. A larger one is several: a
// reader may see newer words before older ones, never the other way round, since the writer stores
// the first word first and readers load it last.
template <WeightSlot Slot>
class SlotArray {
 public:
  using Word = std::conditional_t<sizeof(Slot) == 4, uint32_t, uint64_t>;
  static constexpr size_t kSlotWords = sizeof(Slot) / sizeof(Word);

  // `words` are kSlotWords for each slot, and outlive the view.
  explicit SlotArray(Word* words) : words_(words) {}

  // For readers.
  Slot Load(size_t index) const {
    const Word* const word = words_ + index * kSlotWords;
    if constexpr (kIsWide) {
      Words words;
      for (size_t i = kSlotWords - 1; i > 0; --i) {
        words[i] = __atomic_load_n(word + i, __ATOMIC_ACQUIRE);
      }
      words[0] = __atomic_load_n(word, __ATOMIC_RELAXED);
      return std::bit_cast<Slot>(words);
    }
    Parts parts;
    for (size_t i = kSlotWords - 1; i > 0; --i) {
      Split(__atomic_load_n(word + i, __ATOMIC_ACQUIRE), &parts[2 * i]);
    }
    Split(__atomic_load_n(word, __ATOMIC_RELAXED), parts.data());
    return std::bit_cast<Slot>(parts);
  }

  // For the one writer, which alone changes slots.
  Slot LoadOwn(size_t index) const {
    if constexpr (kIsWide) {
      Slot slot;
      std::memcpy(&slot, words_ + index * kSlotWords, sizeof(Slot));
      return slot;
    }
    Parts parts;
    std::memcpy(&parts, words_ + index * kSlotWords, sizeof(Slot));
    return std::bit_cast<Slot>(parts);
  }

  // For the one writer: four slots, one after the other.
  FourSlots<Slot> LoadOwnFour(const std::array<uint32_t, 4>& indices) const {
    static_assert(kSlotWords == 1);
    return LoadFourWords(words_, indices);
  }

  // For the one writer: whether the slot is what stands at `bytes`, to the bit.
  bool HoldsOwn(size_t index, const std::byte* bytes) const {
    return std::memcmp(words_ + index * kSlotWords, bytes, sizeof(Slot)) == 0;
  }

  // For the one writer.
  [[gnu::always_inline]] void Store(size_t index, const Slot& slot) {
    Word* const word = words_ + index * kSlotWords;
    if constexpr (kIsWide) {
      StoreWords(word, slot, std::make_index_sequence<kSlotWords>());
      return;
    }
    const auto parts = std::bit_cast<Parts>(slot);
    __atomic_store_n(word, Join(parts.data()), __ATOMIC_RELAXED);
    for (size_t i = 1; i < kSlotWords; ++i) {
      __atomic_store_n(word + i, Join(&parts[2 * i]), __ATOMIC_RELEASE);
    }
  }

  // For the one writer: stores what stands at `bytes`.
  void StoreBytes(size_t index, const std::byte* bytes) {
    static_assert(kSlotWords == 1);
    Word word;
    std::memcpy(&word, bytes, sizeof(word));
    __atomic_store_n(words_ + index, word, __ATOMIC_RELAXED);
  }

  // For the one writer: stores the first word alone. REQUIRES: the others are as they were.
  void StoreHead(size_t index, const Slot& slot) {
    const auto parts = std::bit_cast<Parts>(slot);
    __atomic_store_n(words_ + index * kSlotWords, Join(parts.data()), __ATOMIC_RELAXED);
  }

  // Whether any bit of the slot is set. For readers.
  bool IsUsed(size_t index) const { return std::bit_cast<Parts>(Load(index)) != Parts{}; }

  void Prefetch(size_t index) const { __builtin_prefetch(words_ + index * kSlotWords, 1); }

 private:
  using Parts = std::array<uint32_t, sizeof(Slot) / 4>;
  using Words = std::array<Word, kSlotWords>;

  // Slots that are worked on in vector registers, and go through memory a register at a time.
  static constexpr bool kIsWide = sizeof(Slot) == 64;

  // A loop would not be unrolled, nor the slot kept in registers.
  template <size_t... i>
  [[gnu::always_inline]] static void StoreWords(Word* word, const Slot& slot,
                                                std::index_sequence<i...> /*all*/) {
    const auto words = std::bit_cast<Words>(slot);
    (__atomic_store_n(word + i, words[i], __ATOMIC_RELEASE), ...);
  }

  // Words are put together in registers; through memory, each store would have to drain first.
  static Word Join(const uint32_t* parts) {
    if constexpr (sizeof(Word) == 4) {
      return parts[0];
    } else {
      return parts[0] | uint64_t{parts[1]} << 32;
    }
  }

  static void Split(Word word, uint32_t* parts) {
    parts[0] = static_cast<uint32_t>(word);
    if constexpr (sizeof(Word) == 8) parts[1] = static_cast<uint32_t>(word >> 32);
  }

  Word* words_;
};

// A slot outside a table.
template <WeightSlot Slot>
class SingleSlot {
 public:
  Slot Load() const { return View().Load(0); }
  Slot LoadOwn() const { return View().LoadOwn(0); }
  void Store(const Slot& slot) { View().Store(0, slot); }

 private:
  SlotArray<Slot> View() const { return SlotArray<Slot>(words_.data()); }

  mutable std::array<typename SlotArray<Slot>::Word, SlotArray<Slot>::kSlotWords> words_{};
};

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_SLOT_ARRAY_H_
