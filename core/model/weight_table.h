// The weight table: the slots of all features, and their saved form.

#ifndef FRESHET_CORE_MODEL_WEIGHT_TABLE_H_
#define FRESHET_CORE_MODEL_WEIGHT_TABLE_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/sparse_bytes.h"
#include "core/base/state.h"
#include "core/base/str_cat.h"
#include "core/base/zeroed_memory.h"
#include "core/model/slot_array.h"

namespace freshet {

// A view of slots that are looked up by the low bits of a feature's id. Loops take a local copy of
// it, which the compiler need not reload after each store.
template <WeightSlot Slot>
class HashedSlots : public SlotArray<Slot> {
 public:
  // There are mask + 1 slots.
  HashedSlots(uint32_t mask, typename SlotArray<Slot>::Word* words)
      : SlotArray<Slot>(words), mask_(mask) {}

  uint32_t IndexOf(uint32_t feature_id) const { return feature_id & mask_; }
  // The indices for four ids.
  std::array<uint32_t, 4> IndicesOf(const uint32_t* feature_ids) const {
    return {IndexOf(feature_ids[0]), IndexOf(feature_ids[1]), IndexOf(feature_ids[2]),
            IndexOf(feature_ids[3])};
  }
  // The indices for `count` ids, filled up with that of the first one. REQUIRES: 1 <= count <= 3.
  std::array<uint32_t, 4> IndicesOf(const uint32_t* feature_ids, size_t count) const {
    const uint32_t first = IndexOf(feature_ids[0]);
    return {first, count > 1 ? IndexOf(feature_ids[1]) : first,
            count > 2 ? IndexOf(feature_ids[2]) : first, first};
  }
  uint64_t size() const { return uint64_t{mask_} + 1; }

 private:
  uint32_t mask_;
};

// A table of 2^bits slots, initially all zero. The low bits of a feature's id give its slot. Owns
// its memory.
//
// Saved form: blocks of kBlockSlots slots, in order, without those that are all zero, followed by
// kEndOfBlocks. A block consists of its number (uint32) and its slots. If the sparse form is
// shorter, it is used instead: the block's number with the bit kSparse set, one bit for each slot
// (the lowest bit is the first slot) that is set if the slot is not all zero, and only those slots.
// Digests never use the sparse form.
//
// A slot whose weight is 0 is still kept for whatever else it holds: without its sums and step
// numbers, its feature would be learned differently from then on.
//
// Threads: as for SlotArray.
template <WeightSlot Slot>
class WeightTable {
 public:
  static constexpr uint32_t kBlockSlots = 512;

  // RESOURCE_EXHAUSTED if there is not enough memory.
  static absl::StatusOr<WeightTable> Create(int bits) {
    absl::StatusOr<ZeroedMemory> memory = ZeroedMemory::Allocate(sizeof(Slot) << bits);
    if (!memory.ok()) return memory.status();
    return WeightTable(bits, *std::move(memory));
  }

  const HashedSlots<Slot>& slots() const { return slots_; }

  uint32_t IndexOf(uint32_t feature_id) const { return slots_.IndexOf(feature_id); }

  Slot Load(uint32_t index) const { return slots_.Load(index); }
  float LoadFirstNumber(uint32_t index) const { return slots_.LoadFirstNumber(index); }
  Slot LoadOwn(uint32_t index) const { return slots_.LoadOwn(index); }
  [[gnu::always_inline]] void Store(uint32_t index, const Slot& slot) { slots_.Store(index, slot); }
  void StoreHead(uint32_t index, const Slot& slot) { slots_.StoreHead(index, slot); }
  void Prefetch(uint32_t index) const { slots_.Prefetch(index); }

  uint64_t slot_count() const { return slots_.size(); }
  uint64_t size_bytes() const { return memory_.size_bytes(); }

  // Calls visit(block) for each block that is not all zero, in order. Only for the writer.
  template <typename Visit>
  void VisitUsedBlocks(Visit visit) const {
    for (uint32_t block = 0; block < block_count(); ++block) {
      if (!IsZero(Block(block))) visit(block);
    }
  }

  // Calls visit(index, slot) for each slot of a block that is not all zero, in order. Only for the
  // writer.
  template <typename Visit>
  void VisitUsedOf(uint32_t block, Visit visit) const {
    const uint32_t begin = block * kBlockSlots;
    for (uint32_t index = begin; index < begin + kBlockSlots; ++index) {
      if (!IsZero(Bytes().subspan(index * sizeof(Slot), sizeof(Slot)))) {
        visit(index, LoadOwn(index));
      }
    }
  }

  // The same for all slots of the table.
  template <typename Visit>
  void VisitUsed(Visit visit) const {
    VisitUsedBlocks([&](uint32_t block) { VisitUsedOf(block, visit); });
  }

  // The number of slots that are not all zero. Also for readers.
  uint64_t CountUsed() const {
    uint64_t count = 0;
    for (uint64_t i = 0; i < slot_count(); ++i) count += slots_.IsUsed(i) ? 1 : 0;
    return count;
  }

  // Estimates the number of slots that are not all zero and for which is_meant(index, slot) is
  // true, from at most kSampleBlocks blocks that are evenly spread over the table; exact if the
  // table has no more blocks. Also for readers.
  template <typename IsMeant>
  uint64_t EstimateCount(IsMeant is_meant) const {
    const uint32_t stride = std::max(block_count() / kSampleBlocks, 1u);
    uint64_t count = 0;
    for (uint32_t block = 0; block < block_count(); block += stride) {
      const uint64_t begin = uint64_t{block} * kBlockSlots;
      for (uint64_t i = begin; i < begin + kBlockSlots; ++i) {
        const auto index = static_cast<uint32_t>(i);
        count += slots_.IsUsed(i) && is_meant(index, slots_.Load(i)) ? 1 : 0;
      }
    }
    return count * stride;
  }

  // Approximately CountUsed(); see EstimateCount().
  uint64_t EstimateUsed() const {
    return EstimateCount([](uint32_t /*index*/, const Slot& /*slot*/) { return true; });
  }

  void SaveState(StateWriter& writer) const {
    for (uint32_t block = 0; block < block_count(); ++block) {
      if (IsZero(Block(block))) continue;
      if (writer.form() == StateForm::kDigest || !SaveSparse(block, writer)) {
        writer.WriteValue(block);
        writer.Write(Block(block));
      }
    }
    writer.WriteValue(kEndOfBlocks);
  }

  // Reads a saved state. DATA_LOSS unless it is in the form above and is_valid(slot) is true for
  // every slot in it. REQUIRES: the table is all zero.
  template <typename IsValid>
  absl::Status LoadState(StateReader& reader, IsValid is_valid) {
    for (uint32_t next = 0;;) {
      const auto head = reader.ReadValue<uint32_t>();
      if (!reader.status().ok()) return reader.status();
      if (head == kEndOfBlocks) return absl::OkStatus();
      const uint32_t block = head & ~kSparse;
      if (block < next || block >= block_count()) {
        return reader.Damaged(StrCat("the weight table has block ", block, " where a block from ",
                                     next, " to ", block_count() - 1, " must follow"));
      }
      next = block + 1;
      bool valid = true;
      if (head == block) {
        reader.Read(Block(block));
        valid = !IsZero(Block(block));
      } else {
        valid = LoadSparse(reader, block);
      }
      if (!reader.status().ok()) return reader.status();
      const uint32_t begin = block * kBlockSlots;
      for (uint32_t i = begin; i < begin + kBlockSlots; ++i) valid &= is_valid(LoadOwn(i));
      if (!valid) {
        return reader.Damaged(StrCat("a slot of the weight table in [", begin, ", ",
                                     begin + kBlockSlots, ") is invalid"));
      }
    }
  }

 private:
  static constexpr uint32_t kSampleBlocks = 2048;
  static constexpr uint32_t kEndOfBlocks = 0xffffffff;
  static constexpr uint32_t kSparse = 0x80000000;

  // One bit for each slot of a block.
  using SlotBits = std::array<uint64_t, kBlockSlots / 64>;

  WeightTable(int bits, ZeroedMemory memory)
      : memory_(std::move(memory)),
        slots_(static_cast<uint32_t>((uint64_t{1} << bits) - 1),
               static_cast<typename SlotArray<Slot>::Word*>(memory_.data())) {}

  // Whether a block is shorter in the sparse form, if `count` of its slots are not zero.
  static bool IsSparse(size_t count) {
    return count * sizeof(Slot) + sizeof(SlotBits) < kBlockSlots * sizeof(Slot);
  }

  // Writes the block in the sparse form. If that is not shorter, writes nothing and returns false.
  bool SaveSparse(uint32_t block, StateWriter& writer) const {
    const size_t begin = size_t{block} * kBlockSlots;
    SlotBits used{};
    std::array<Slot, kBlockSlots> slots;
    size_t count = 0;
    for (size_t i = 0; i < kBlockSlots; ++i) {
      if (!slots_.IsUsed(begin + i)) continue;
      used[i / 64] |= uint64_t{1} << (i % 64);
      slots[count++] = LoadOwn(static_cast<uint32_t>(begin + i));
    }
    if (!IsSparse(count)) return false;
    writer.WriteValue(block | kSparse);
    writer.WriteValue(used);
    writer.Write(std::as_bytes(std::span(slots).first(count)));
    return true;
  }

  // Reads a block in the sparse form. False if the saved form is not canonical.
  bool LoadSparse(StateReader& reader, uint32_t block) {
    const auto used = reader.ReadValue<SlotBits>();
    size_t count = 0;
    for (const uint64_t bits : used) count += static_cast<size_t>(std::popcount(bits));
    if (!IsSparse(count)) return false;
    const size_t begin = size_t{block} * kBlockSlots;
    bool valid = count > 0;
    for (size_t i = 0; i < kBlockSlots; ++i) {
      if ((used[i / 64] >> (i % 64) & 1) == 0) continue;
      reader.Read(Bytes().subspan((begin + i) * sizeof(Slot), sizeof(Slot)));
      valid &= slots_.IsUsed(begin + i);
    }
    return valid;
  }

  uint32_t block_count() const { return static_cast<uint32_t>(slot_count() / kBlockSlots); }

  std::span<std::byte> Bytes() const {
    return {static_cast<std::byte*>(memory_.data()), memory_.size_bytes()};
  }
  std::span<std::byte> Block(uint32_t block) const {
    constexpr size_t kBlockBytes = kBlockSlots * sizeof(Slot);
    return Bytes().subspan(block * kBlockBytes, kBlockBytes);
  }

  ZeroedMemory memory_;
  HashedSlots<Slot> slots_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_WEIGHT_TABLE_H_
