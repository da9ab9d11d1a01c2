#include "tests/bench/touch_floor.h"

#include <algorithm>

namespace freshet {
namespace {

constexpr size_t kAheadFeatures = 128;

template <typename Word, size_t kWords>
void TouchSlots(Word* table, uint64_t slot_count, const ExampleBatch& batch) {
  const auto mask = static_cast<uint32_t>(slot_count - 1);
  const uint32_t* const ids = batch.feature_ids.data();
  const size_t count = batch.feature_ids.size();
  const size_t features = batch.RowEnd(0);
  size_t ahead = 0;
  Word sum = 0;
  for (size_t begin = 0; begin < count; begin += features) {
    const size_t limit = std::min(begin + features + kAheadFeatures, count);
    for (; ahead < limit; ++ahead) __builtin_prefetch(&table[(ids[ahead] & mask) * kWords], 1);
    for (size_t i = begin; i < begin + features; ++i) {
      const Word* const slot = &table[(ids[i] & mask) * kWords];
      for (size_t word = 0; word < kWords; ++word) sum ^= slot[word];
    }
    for (size_t i = begin; i < begin + features; ++i) {
      Word* const slot = &table[(ids[i] & mask) * kWords];
      for (size_t word = 0; word < kWords; ++word) ++slot[word];
    }
  }
  // Makes the compiler assume that the sum is used and that the table is read, so that it keeps
  // both loops.
  asm volatile("" : : "r"(sum), "r"(table) : "memory");
}

}  // namespace

absl::StatusOr<TouchFloor> TouchFloor::Make(size_t slot_bytes, uint64_t slot_count) {
  absl::StatusOr<ZeroedMemory> memory = ZeroedMemory::Allocate(slot_bytes * slot_count);
  if (!memory.ok()) return memory.status();
  PreferHugePages(memory->data(), memory->size_bytes());
  return TouchFloor(*std::move(memory), slot_bytes, slot_count);
}

void TouchFloor::Touch(const ExampleBatch& batch) {
  auto* const words = static_cast<uint64_t*>(memory_.data());
  switch (slot_bytes_) {
    case 4:
      return TouchSlots<uint32_t, 1>(static_cast<uint32_t*>(memory_.data()), slot_count_, batch);
    case 8:
      return TouchSlots<uint64_t, 1>(words, slot_count_, batch);
    case 16:
      return TouchSlots<uint64_t, 2>(words, slot_count_, batch);
    case 32:
      return TouchSlots<uint64_t, 4>(words, slot_count_, batch);
    default:
      return TouchSlots<uint64_t, 8>(words, slot_count_, batch);
  }
}

}  // namespace freshet
