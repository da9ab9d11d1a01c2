// Arrays of slots that one thread writes while others read them, without locks.

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

// Four slots of one, two or four floats each, in registers, laid out as in memory.
template <WeightSlot Slot>
using FourSlots = std::array<Float4, sizeof(Slot) / sizeof(float)>;

// Loads four slots that consist of one word each.
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

// Transposed() turns four slots into a vector of their first numbers, one of their second numbers,
// and so on. TransposedBack() reverses that.
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
inline std::array<Float4, 4> Transposed(const std::array<Float4, 4>& slots) {
  const Float4 low01 = __builtin_shufflevector(slots[0], slots[1], 0, 4, 1, 5);
  const Float4 low23 = __builtin_shufflevector(slots[2], slots[3], 0, 4, 1, 5);
  const Float4 high01 = __builtin_shufflevector(slots[0], slots[1], 2, 6, 3, 7);
  const Float4 high23 = __builtin_shufflevector(slots[2], slots[3], 2, 6, 3, 7);
  return {__builtin_shufflevector(low01, low23, 0, 1, 4, 5),
          __builtin_shufflevector(low01, low23, 2, 3, 6, 7),
          __builtin_shufflevector(high01, high23, 0, 1, 4, 5),
          __builtin_shufflevector(high01, high23, 2, 3, 6, 7)};
}
inline std::array<Float4, 4> TransposedBack(const std::array<Float4, 4>& numbers) {
  return Transposed(numbers);
}

// The first words of four slots. HeadsOf() takes the slots in transposed form.
template <WeightSlot Slot>
using FourHeads = std::array<Float4, sizeof(Slot) == 4 ? 1 : 2>;
template <WeightSlot Slot>
FourHeads<Slot> HeadsOf(const FourSlots<Slot>& numbers) {
  if constexpr (sizeof(Slot) == 4) {
    return {numbers[0]};
  } else {
    return TransposedBack(std::array<Float4, 2>{numbers[0], numbers[1]});
  }
}

// A view of slots as atomic machine words. Loads and stores are plain moves on common processors.
//
// A slot of 4 or 8 bytes is one word, so readers never see it half-written. A larger slot has
// several words: a reader may see newer words followed by older ones, never older words followed by
// newer ones, because the writer stores the first word first and readers load it last.
//
// Threads: one writer calls Store() and the like; any number of readers call Load(),
// LoadFirstNumber() and IsUsed().
template <WeightSlot Slot>
class SlotArray {
 public:
  using Word = std::conditional_t<sizeof(Slot) == 4, uint32_t, uint64_t>;
  static constexpr size_t kSlotWords = sizeof(Slot) / sizeof(Word);

  // `words` holds kSlotWords words for each slot and must outlive the view.
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

  // For readers: the first number of the slot. An acquire load, so that the reader also sees
  // everything that the writer did before storing it.
  float LoadFirstNumber(size_t index) const {
    return std::bit_cast<float>(
        static_cast<uint32_t>(__atomic_load_n(words_ + index * kSlotWords, __ATOMIC_ACQUIRE)));
  }

  // Only for the writer, which needs no atomic loads because nothing else changes slots.
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

  // Only for the writer: loads four slots.
  FourSlots<Slot> LoadOwnFour(const std::array<uint32_t, 4>& indices) const {
    if constexpr (kSlotWords == 1) {
      return LoadFourWords(words_, indices);
    } else {
      static_assert(kSlotWords == 2);
      return {LoadTwoWords(words_ + 2 * indices[0]), LoadTwoWords(words_ + 2 * indices[1]),
              LoadTwoWords(words_ + 2 * indices[2]), LoadTwoWords(words_ + 2 * indices[3])};
    }
  }

  // Only for the writer: whether the first `bytes` bytes of the slot equal those at `begin`.
  template <size_t bytes>
  bool HoldsOwn(size_t index, const std::byte* begin) const {
    return std::memcmp(words_ + index * kSlotWords, begin, bytes) == 0;
  }

  // Only for the writer.
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

  // Only for the writer: stores the `bytes` bytes at `begin`, whole words, at the beginning of the
  // slot. REQUIRES: the rest of the slot need not change.
  template <size_t bytes>
  void StoreBytes(size_t index, const std::byte* begin) {
    static_assert(bytes % sizeof(Word) == 0);
    Word* const words = words_ + index * kSlotWords;
    __atomic_store_n(words, WordAt(begin), __ATOMIC_RELAXED);
    for (size_t i = 1; i < bytes / sizeof(Word); ++i) {
      __atomic_store_n(words + i, WordAt(begin + i * sizeof(Word)), __ATOMIC_RELEASE);
    }
  }

  // Only for the writer: stores only the first word of `slot`. REQUIRES: the other words of `slot`
  // are the same as in the array.
  void StoreHead(size_t index, const Slot& slot) {
    const auto parts = std::bit_cast<Parts>(slot);
    __atomic_store_n(words_ + index * kSlotWords, Join(parts.data()), __ATOMIC_RELEASE);
  }

  // For readers: whether any bit of the slot is set.
  bool IsUsed(size_t index) const { return std::bit_cast<Parts>(Load(index)) != Parts{}; }

  void Prefetch(size_t index) const { __builtin_prefetch(words_ + index * kSlotWords, 1); }

 private:
  using Parts = std::array<uint32_t, sizeof(Slot) / 4>;
  using Words = std::array<Word, kSlotWords>;

  // Whether slots are processed in vector registers, and loaded and stored one register at a time.
  static constexpr bool kIsWide = sizeof(Slot) == 64;

  // A fold instead of a loop, which would not be unrolled and would not keep the slot in registers.
  template <size_t... i>
  [[gnu::always_inline]] static void StoreWords(Word* word, const Slot& slot,
                                                std::index_sequence<i...> /*all*/) {
    const auto words = std::bit_cast<Words>(slot);
    (__atomic_store_n(word + i, words[i], __ATOMIC_RELEASE), ...);
  }

  // Loads word by word, as the words were stored: a wider load could not be forwarded from the
  // store buffer, and would stall until the stores have drained.
  static Float4 LoadTwoWords(const Word* words) {
    using Pair = uint64_t __attribute__((vector_size(16)));
    return std::bit_cast<Float4>(Pair{words[0], words[1]});
  }

  static Word WordAt(const std::byte* begin) {
    Word word;
    std::memcpy(&word, begin, sizeof(word));
    return word;
  }

  // Assembles a word in registers; through memory, the load would stall until the stores have
  // drained.
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

// A single slot outside a table. Threads: as for SlotArray.
template <WeightSlot Slot>
class SingleSlot {
 public:
  Slot Load() const { return View().Load(0); }
  float LoadFirstNumber() const { return View().LoadFirstNumber(0); }
  Slot LoadOwn() const { return View().LoadOwn(0); }
  void Store(const Slot& slot) { View().Store(0, slot); }
  void StoreHead(const Slot& slot) { View().StoreHead(0, slot); }

 private:
  SlotArray<Slot> View() const { return SlotArray<Slot>(words_.data()); }

  mutable std::array<typename SlotArray<Slot>::Word, SlotArray<Slot>::kSlotWords> words_{};
};

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_SLOT_ARRAY_H_
