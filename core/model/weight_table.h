// The weight table: the slots of all features, and their saved form.

#ifndef FRESHET_CORE_MODEL_WEIGHT_TABLE_H_
#define FRESHET_CORE_MODEL_WEIGHT_TABLE_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/sparse_bytes.h"
#include "core/base/state.h"
#include "core/base/str_cat.h"
#include "core/base/zeroed_memory.h"
#include "core/feature/example_batch.h"
#include "core/model/slot_array.h"
#include "core/model/slot_map.h"
#include "core/thread/replaceable.h"

namespace freshet {

// A view of slots that are looked up by the low bits of an id: of a feature's id if slots are
// stored by number, else of the id that WeightTable has put in its place. Loops take a local copy
// of it, which the compiler need not reload after each store.
template <WeightSlot Slot>
class HashedSlots : public SlotArray<Slot> {
 public:
  HashedSlots(uint32_t mask, typename SlotArray<Slot>::Word* words)
      : SlotArray<Slot>(words), mask_(mask) {}

  uint32_t IndexOf(uint32_t id) const { return id & mask_; }
  // The indices for four ids.
  std::array<uint32_t, 4> IndicesOf(const uint32_t* ids) const {
    return {IndexOf(ids[0]), IndexOf(ids[1]), IndexOf(ids[2]), IndexOf(ids[3])};
  }
  // The indices for `count` ids, filled up with that of the first one. REQUIRES: 1 <= count <= 3.
  std::array<uint32_t, 4> IndicesOf(const uint32_t* ids, size_t count) const {
    const uint32_t first = IndexOf(ids[0]);
    return {first, count > 1 ? IndexOf(ids[1]) : first, count > 2 ? IndexOf(ids[2]) : first, first};
  }

 private:
  uint32_t mask_;
};

// A table of 2^bits slots, numbered from 0 and initially all zero. The low bits of a feature's id
// give the number of its slot. Owns its memory, and takes only as much as it holds.
//
// The slots of a small table, and of one that holds much, are stored by number. Any other table
// stores the slots that have been learned one after the other, and a SlotMap tells the place of
// each; place 0 stays zero and stands for all slots that have none. Only memory and time depend on
// how slots are stored, never results. Wherever this class speaks of an index, that is the number
// or the place, whichever slots are stored by.
//
// The writer places the features of a batch before it learns it: from then on, the batch's ids are
// indices. Readers do the same through a Reading.
//
//   WeightTable<Slot>::Placed placed(batch);
//   if (table.Place(placed)) ...                      // Indices from before are void.
//   table.LoadOwn(table.IndexOf(placed.batch().feature_ids[i]));
//
// The memory is replaced when it has to grow. The writer then fills the new memory, lets readers
// see it, and waits until none is left that uses the old (see Replaceable); before that it stores
// nothing, so both hold the same until the old one is gone.
//
// Saved form: blocks of kBlockSlots slots, in the order of their numbers, without those that are
// all zero, followed by kEndOfBlocks. A block consists of its number (uint32) and its slots. If the
// sparse form is shorter, it is used instead: the block's number with the bit kSparse set, one bit
// for each slot (the lowest bit is the first slot) that is set if the slot is not all zero, and
// only those slots. Digests never use the sparse form.
//
// A slot whose weight is 0 is still kept for whatever else it holds: without its sums and step
// numbers, its feature would be learned differently from then on.
//
// Threads: one writer; any number of readers call Read(), CountUsed() and the Estimate functions,
// and what is const and constant. Slots are shared as SlotArray says.
template <WeightSlot Slot>
class WeightTable {
  struct Storage;

 public:
  static constexpr uint32_t kBlockSlots = 512;

  // A batch whose feature ids are indices. Keeps references to the columns of the original.
  class Placed {
   public:
    explicit Placed(const ExampleBatch& batch) : batch_(batch) {}
    Placed(const Placed&) = delete;
    Placed& operator=(const Placed&) = delete;

    const ExampleBatch& batch() const { return batch_; }

   private:
    friend WeightTable;

    uint32_t* MakeRoom() {
      const size_t count = batch_.feature_ids.size();
      if (count > few_.size()) many_.reset(new uint32_t[count]);  // Not cleared, unlike a vector.
      return many_ == nullptr ? few_.data() : many_.get();
    }
    void UseIndices(const uint32_t* indices) {
      batch_.feature_ids = {indices, batch_.feature_ids.size()};
    }

    ExampleBatch batch_;
    std::array<uint32_t, 128> few_;  // The indices, or else:
    std::unique_ptr<uint32_t[]> many_;
  };

  // A reader's access to the slots. Should be brief: the writer waits for it when the table grows.
  class Reading {
   public:
    const HashedSlots<Slot>& slots() const { return storage_->slots; }

    // The index of a slot, given the id of a feature or the number of the slot.
    uint32_t IndexOf(uint32_t id) const {
      const uint32_t number = id & number_mask_;
      return storage_->map == nullptr ? number : storage_->map->view().Find(number);
    }
    Slot Load(uint32_t id) const { return slots().Load(IndexOf(id)); }
    // Whether this index stands for a slot that is all zero because it has no place.
    bool HasNoPlace(uint32_t index) const { return index == 0 && storage_->map != nullptr; }

    // Features without a slot of their own get the index of one that is zero.
    [[gnu::noinline]] void Place(Placed& placed) const {
      if (storage_->map == nullptr) return;
      uint32_t* const indices = placed.MakeRoom();
      FindPlaces(placed.batch(), number_mask_, storage_->map->view(), indices);
      placed.UseIndices(indices);
    }

   private:
    friend WeightTable;

    explicit Reading(const WeightTable& table)
        : storage_(table.shared_->Read()), number_mask_(table.number_mask_) {}

    typename Replaceable<Storage>::Reading storage_;
    uint32_t number_mask_;
  };

  // RESOURCE_EXHAUSTED if there is not enough memory. REQUIRES: 10 <= bits <= 30.
  static absl::StatusOr<WeightTable> Create(int bits) {
    WeightTable table(bits);
    const bool by_number = sizeof(Slot) << bits <= kSmallBytes;
    absl::StatusOr<Storage> storage =
        by_number ? table.ByNumber() : table.ByPlace(SlotMap::kMinBits);
    if (!storage.ok()) return storage.status();
    table.own_ = *storage;
    table.shared_ = std::make_unique<Replaceable<Storage>>(*std::move(storage));
    return table;
  }

  uint64_t slot_count() const { return slot_count_; }
  // The size of all slots together, which the table takes once it holds much.
  uint64_t size_bytes() const { return slot_count() * sizeof(Slot); }
  // An index that no slot has, nor another in its block.
  uint32_t end_index() const { return number_mask_ + 1 + kBlockSlots; }

  Reading Read() const { return Reading(*this); }

  // The number of slots that are not all zero.
  uint64_t CountUsed() const {
    const Reading reading = Read();
    uint64_t count = 0;
    for (uint64_t i = 0; i < reading.storage_->end(); ++i) {
      count += reading.slots().IsUsed(i) ? 1 : 0;
    }
    return count;
  }

  // Estimates the number of slots that are not all zero and for which is_meant(slots,
  // index, slot) is true, from at most kSampleBlocks blocks that are evenly spread over the memory;
  // exact if there are no more.
  template <typename IsMeant>
  uint64_t EstimateCount(IsMeant is_meant) const {
    const Reading reading = Read();
    const uint64_t end = reading.storage_->end();
    const uint64_t block_count = (end + kBlockSlots - 1) / kBlockSlots;
    const uint64_t stride = std::max<uint64_t>(block_count / kSampleBlocks, 1);
    uint64_t count = 0;
    for (uint64_t block = 0; block < block_count; block += stride) {
      const uint64_t begin = block * kBlockSlots;
      for (uint64_t i = begin; i < std::min(begin + kBlockSlots, end); ++i) {
        count += reading.slots().IsUsed(i) && is_meant(reading.slots(), static_cast<uint32_t>(i),
                                                       reading.slots().Load(i))
                     ? 1
                     : 0;
      }
    }
    return count * stride;
  }

  // Approximately CountUsed(); see EstimateCount().
  uint64_t EstimateUsed() const {
    return EstimateCount(
        [](const auto& /*slots*/, uint32_t /*index*/, const Slot& /*slot*/) { return true; });
  }

  // The rest is for the writer.

  // Turns the feature ids of a batch into indices. Makes room for the features of all rows whose
  // weight is not 0. True if slots have moved: indices from before are void.
  [[gnu::noinline]] bool Place(Placed& placed) {
    if (own_.map == nullptr) return false;
    uint32_t* const indices = placed.MakeRoom();
    MakePlaces(
        placed.batch(), number_mask_, own_.map->view(),
        [this](uint32_t number) {
          Insert(number);
          return own_.map->view();
        },
        indices);
    if (StoreByNumberIfDue()) return true;
    placed.UseIndices(indices);
    return false;
  }

  // Sets slots to zero, given their numbers, except those for which is_kept(slot) is true. True as
  // for Place().
  template <typename IsKept>
  bool Forget(std::span<const uint32_t> numbers, IsKept is_kept) {
    for (const uint32_t number : numbers) {
      const uint32_t index = own_.map == nullptr ? number : own_.map->view().Find(number);
      if ((own_.map != nullptr && index == 0) || is_kept(LoadOwn(index))) continue;
      Store(index, Slot{});
      ++forgotten_count_;
    }
    return own_.map != nullptr && 2 * forgotten_count_ > own_.map->size() && DropForgotten();
  }

  const HashedSlots<Slot>& slots() const { return own_.slots; }

  uint32_t IndexOf(uint32_t id) const { return own_.slots.IndexOf(id); }

  Slot LoadOwn(uint32_t index) const { return own_.slots.LoadOwn(index); }
  [[gnu::always_inline]] void Store(uint32_t index, const Slot& slot) {
    own_.slots.Store(index, slot);
  }
  void StoreHead(uint32_t index, const Slot& slot) { own_.slots.StoreHead(index, slot); }
  void Prefetch(uint32_t index) const { own_.slots.Prefetch(index); }

  // Calls visit(block) for each block of kBlockSlots indices whose slots are not all zero, in
  // order.
  template <typename Visit>
  void VisitUsedBlocks(Visit visit) const {
    constexpr size_t kBlockBytes = kBlockSlots * sizeof(Slot);
    const std::span<std::byte> bytes = own_.Bytes();
    for (uint32_t block = 0; block < bytes.size() / kBlockBytes; ++block) {
      if (!IsZero(bytes.subspan(block * kBlockBytes, kBlockBytes))) visit(block);
    }
  }

  // Calls visit(index, slot) for each slot of a block that is not all zero, in order.
  template <typename Visit>
  void VisitUsedOf(uint32_t block, Visit visit) const {
    const uint32_t begin = block * kBlockSlots;
    for (uint32_t index = begin; index < begin + kBlockSlots; ++index) {
      if (own_.slots.IsUsed(index)) visit(index, LoadOwn(index));
    }
  }

  // The same for all slots.
  template <typename Visit>
  void VisitUsed(Visit visit) const {
    VisitUsedBlocks([&](uint32_t block) { VisitUsedOf(block, visit); });
  }

  void SaveState(StateWriter& writer) const;

  // Reads a saved state. DATA_LOSS unless it is in the form above and is_valid(slot) is true for
  // every slot in it. REQUIRES: the table is all zero and has no readers.
  template <typename IsValid>
  absl::Status LoadState(StateReader& reader, IsValid is_valid);

  bool is_stored_by_number() const { return own_.map == nullptr; }

 private:
  static constexpr uint32_t kSampleBlocks = 2048;
  static constexpr uint32_t kEndOfBlocks = 0xffffffff;
  static constexpr uint32_t kSparse = 0x80000000;

  // A table of at most this size is stored by number from the start.
  static constexpr uint64_t kSmallBytes = uint64_t{128} << 10;
  // Slots are stored by number once at least one in so many is in use. Slots of 64 bytes belong to
  // a learner that computes so much that looking up their places hardly counts; for the others it
  // does, and their tables are smaller.
  static constexpr uint64_t kDueShare = sizeof(Slot) == 64 ? 3 : 16;

  // Where slots are stored. Copies share the memory.
  struct Storage {
    // All indices of slots that may be in use are below this.
    uint64_t end() const {
      return map != nullptr ? uint64_t{map->size()} + 1 : memory->size_bytes() / sizeof(Slot);
    }
    // Whole blocks with all slots that may be in use.
    std::span<std::byte> Bytes() const {
      const uint64_t blocks = (end() + kBlockSlots - 1) / kBlockSlots;
      return {static_cast<std::byte*>(memory->data()), blocks * kBlockSlots * sizeof(Slot)};
    }

    std::shared_ptr<ZeroedMemory> memory;
    std::shared_ptr<SlotMap> map;  // Null if slots are stored by number.
    HashedSlots<Slot> slots{0, nullptr};
  };

  // The slots of one block that are not all zero, in order, and how they are saved.
  class Block {
   public:
    explicit Block(uint32_t number) : number_(number) {}

    // Starts another block.
    void Clear(uint32_t number) {
      number_ = number;
      count_ = 0;
      used_ = {};
    }

    uint32_t number() const { return number_; }

    // REQUIRES: slots are added in order.
    void Add(uint32_t slot_number, const Slot& slot) {
      used_[slot_number % kBlockSlots / 64] |= uint64_t{1} << (slot_number % 64);
      slots_[count_++] = slot;
    }
    void Save(StateWriter& writer) const {
      if (count_ == 0) return;
      if (writer.form() != StateForm::kDigest && IsSparse()) {
        writer.WriteValue(number_ | kSparse);
        writer.WriteValue(used_);
        writer.Write(std::as_bytes(std::span(slots_).first(count_)));
      } else {
        std::array<Slot, kBlockSlots> whole{};
        Visit([&](uint32_t slot_number, const Slot& slot) {
          whole[slot_number % kBlockSlots] = slot;
        });
        writer.WriteValue(number_);
        writer.Write(std::as_bytes(std::span(whole)));
      }
    }
    // Read what follows the block's number. False if the saved form is not canonical.
    bool Load(StateReader& reader) {
      reader.Read(std::as_writable_bytes(std::span(slots_)));
      for (uint32_t i = 0; i < kBlockSlots; ++i) {
        const Slot slot = slots_[i];  // A copy, because Add() moves slots to the front.
        if (!IsZero(slot)) Add(i, slot);
      }
      return count_ > 0;
    }
    bool LoadSparse(StateReader& reader) {
      used_ = reader.ReadValue<decltype(used_)>();
      for (const uint64_t bits : used_) count_ += static_cast<size_t>(std::popcount(bits));
      if (!IsSparse()) return false;
      const auto slots = std::span(slots_).first(count_);
      reader.Read(std::as_writable_bytes(slots));
      return count_ > 0 && std::none_of(slots.begin(), slots.end(), &Block::IsZero);
    }
    // Calls visit(number, slot) for each slot, in order.
    template <typename Visitor>
    void Visit(const Visitor& visit) const {
      size_t next = 0;
      for (uint32_t i = 0; i < kBlockSlots; ++i) {
        if ((used_[i / 64] >> (i % 64) & 1) != 0) visit(number_ * kBlockSlots + i, slots_[next++]);
      }
    }

   private:
    static bool IsZero(const Slot& slot) {
      return freshet::IsZero(std::as_bytes(std::span(&slot, 1)));
    }
    // Whether the sparse form is shorter.
    bool IsSparse() const {
      return count_ * sizeof(Slot) + sizeof(used_) < kBlockSlots * sizeof(Slot);
    }

    uint32_t number_;
    size_t count_ = 0;
    std::array<uint64_t, kBlockSlots / 64> used_{};  // One bit for each slot.
    std::array<Slot, kBlockSlots> slots_;            // The first count_ of them are the used ones.
  };

  explicit WeightTable(int bits)
      : slot_count_(uint64_t{1} << bits), number_mask_(static_cast<uint32_t>(slot_count_ - 1)) {}

  // New storages, all zero.
  absl::StatusOr<Storage> ByNumber() const {
    absl::StatusOr<Storage> storage = WithMemory(slot_count(), number_mask_);
    if (storage.ok()) PreferHugePages(storage->memory->data(), storage->memory->size_bytes());
    return storage;
  }
  absl::StatusOr<Storage> ByPlace(int map_bits) const {
    absl::StatusOr<Storage> storage = WithMemory(slot_count() + kBlockSlots, 0xffffffff);
    if (storage.ok()) SetMap(std::make_shared<SlotMap>(map_bits), *storage);
    return storage;
  }
  static absl::StatusOr<Storage> WithMemory(uint64_t slot_count, uint32_t mask) {
    absl::StatusOr<ZeroedMemory> memory = ZeroedMemory::Allocate(slot_count * sizeof(Slot));
    if (!memory.ok()) return memory.status();
    Storage storage;
    storage.memory = std::make_shared<ZeroedMemory>(*std::move(memory));
    storage.slots = HashedSlots<Slot>(
        mask, static_cast<typename SlotArray<Slot>::Word*>(storage.memory->data()));
    return storage;
  }

  static void SetMap(std::shared_ptr<SlotMap> map, Storage& storage) {
    // This much will be in use when the next larger map is needed.
    PreferHugePages(storage.memory->data(), std::min(uint64_t{2} * map->size() * sizeof(Slot),
                                                     storage.memory->size_bytes()));
    storage.map = std::move(map);
  }

  // Lets readers see a storage with the same contents.
  void Replace(Storage storage) {
    own_ = storage;
    shared_->Replace(std::move(storage));
  }

  // Gives a number a place.
  [[gnu::noinline]] uint32_t Insert(uint32_t number) {
    while (true) {
      const uint32_t place = own_.map->Insert(number);
      if (place != 0) return place;
      Storage larger = own_;
      SetMap(own_.map->Regrown(), larger);
      Replace(std::move(larger));
    }
  }

  // Stores slots by number from now on if there are many. True if so. Not if the system has not
  // enough memory.
  [[gnu::noinline]] bool StoreByNumberIfDue() {
    const uint64_t used_bytes = own_.map->size_bytes() + own_.map->size() * sizeof(Slot);
    if (own_.map->size() < slot_count() / kDueShare && used_bytes < size_bytes()) return false;
    absl::StatusOr<Storage> storage = ByNumber();
    if (!storage.ok()) return false;
    for (const SlotMap::Numbered& slot : own_.map->Sorted()) {
      if (own_.slots.IsUsed(slot.place)) storage->slots.Store(slot.number, LoadOwn(slot.place));
    }
    Replace(*std::move(storage));
    return true;
  }

  // Drops the places of slots that are zero, if they are at least half of them. True if so.
  [[gnu::noinline]] bool DropForgotten() {
    forgotten_count_ = 0;
    const uint64_t used = CountUsed();
    if (2 * used > own_.map->size()) return false;
    int bits = SlotMap::kMinBits;
    while (uint64_t{1} << bits < 4 * used) ++bits;
    absl::StatusOr<Storage> storage = ByPlace(bits);
    if (!storage.ok()) return false;
    for (const SlotMap::Numbered& slot : own_.map->Sorted()) {
      if (!own_.slots.IsUsed(slot.place)) continue;
      const uint32_t place = storage->map->Insert(slot.number);
      if (place == 0) return false;
      storage->slots.Store(place, LoadOwn(slot.place));
    }
    Replace(*std::move(storage));
    return true;
  }

  // Calls visit(number, slot) for each slot that is not all zero, by number.
  template <typename Visit>
  void VisitByNumber(const Visit& visit) const {
    if (own_.map == nullptr) return VisitUsed(visit);
    for (const SlotMap::Numbered& slot : own_.map->Sorted()) {
      if (own_.slots.IsUsed(slot.place)) visit(slot.number, LoadOwn(slot.place));
    }
  }

  uint64_t slot_count_;
  uint32_t number_mask_;

  // What readers see.
  std::unique_ptr<Replaceable<Storage>> shared_;

  // Owned by the writer.
  Storage own_;                   // The same as shared_.
  uint64_t forgotten_count_ = 0;  // Slots set to zero since the last DropForgotten().
};

template <WeightSlot Slot>
void WeightTable<Slot>::SaveState(StateWriter& writer) const {
  Block block(0);
  VisitByNumber([&](uint32_t number, const Slot& slot) {
    if (number / kBlockSlots != block.number()) {
      block.Save(writer);
      block.Clear(number / kBlockSlots);
    }
    block.Add(number, slot);
  });
  block.Save(writer);
  writer.WriteValue(kEndOfBlocks);
}

template <WeightSlot Slot>
template <typename IsValid>
absl::Status WeightTable<Slot>::LoadState(StateReader& reader, IsValid is_valid) {
  const auto block_count = static_cast<uint32_t>(slot_count() / kBlockSlots);
  Block block(0);
  for (uint32_t next = 0;;) {
    const auto head = reader.ReadValue<uint32_t>();
    if (!reader.status().ok()) return reader.status();
    if (head == kEndOfBlocks) return absl::OkStatus();
    const uint32_t number = head & ~kSparse;
    if (number < next || number >= block_count) {
      return reader.Damaged(StrCat("the weight table has block ", number, " where a block from ",
                                   next, " to ", block_count - 1, " must follow"));
    }
    next = number + 1;
    block.Clear(number);
    bool valid = head == number ? block.Load(reader) : block.LoadSparse(reader);
    if (!reader.status().ok()) return reader.status();
    if (valid) block.Visit([&](uint32_t, const Slot& slot) { valid &= is_valid(slot); });
    if (!valid) {
      const uint32_t begin = number * kBlockSlots;
      return reader.Damaged(StrCat("a slot of the weight table in [", begin, ", ",
                                   begin + kBlockSlots, ") is invalid"));
    }
    block.Visit([&](uint32_t slot_number, const Slot& slot) {
      Store(own_.map == nullptr ? slot_number : Insert(slot_number), slot);
    });
    if (own_.map != nullptr) StoreByNumberIfDue();
  }
}

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_WEIGHT_TABLE_H_
