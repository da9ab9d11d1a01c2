// Where the slots of a sparsely used weight table are stored.

#ifndef FRESHET_CORE_MODEL_SLOT_MAP_H_
#define FRESHET_CORE_MODEL_SLOT_MAP_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "core/feature/example_batch.h"

namespace freshet {

// A map from the number of a slot to its place, by open addressing with linear probing. Places are
// given out in order, from 1 on; 0 means that a number has none.
//
// A map has room for a limited number of places, three quarters of its entries. A larger one is
// made by Regrown(). Numbers that somebody has chosen so that they all hash to the same entries are
// no danger: Insert() also refuses a number that would have to pass kMaxProbes entries, and
// Regrown() then hashes in another way.
//
// Threads: one writer calls Insert(), Regrown() and Sorted(); any number of readers call the rest.
class SlotMap {
 public:
  struct Numbered {
    uint32_t number;
    uint32_t place;
  };

  // What a lookup needs. Loops take a local copy of it.
  class View {
   public:
    // The place of a slot, or 0.
    uint32_t Find(uint32_t number) const { return FindFrom(HomeOf(number), number); }

    // Find() in two steps, between which the processor can fetch the entry.
    uint32_t Prefetch(uint32_t number) const {
      const uint32_t home = HomeOf(number);
      __builtin_prefetch(&entries_[home]);
      return home;
    }
    uint32_t FindFrom(uint32_t home, uint32_t number) const {
      for (size_t i = home;; i = (i + 1) & mask_) {
        const uint64_t entry = __atomic_load_n(&entries_[i], __ATOMIC_RELAXED);
        // Also true for a free entry if the number is 0, since a free entry is 0.
        if (static_cast<uint32_t>(entry) == number) return static_cast<uint32_t>(entry >> 32);
        if (entry == 0) return 0;
      }
    }

    // Whether both are views of the same map.
    bool IsSame(const View& other) const {
      return entries_ == other.entries_ && mask_ == other.mask_;
    }

   private:
    friend SlotMap;

    // Multiplied, because numbers that are small indices differ only in their low bits.
    uint32_t HomeOf(uint32_t number) const { return (number * multiplier_) >> shift_; }

    uint64_t* entries_;  // The place in the high half, the number in the low half; 0 if free.
    size_t mask_;
    uint32_t multiplier_;
    int shift_;
  };

  static constexpr int kMinBits = 8;

  // An empty map of 2^bits entries. Maps of different `hash` put numbers into other entries.
  // REQUIRES: kMinBits <= bits <= 32.
  explicit SlotMap(int bits, uint32_t hash = 0);

  SlotMap(const SlotMap&) = delete;
  SlotMap& operator=(const SlotMap&) = delete;

  const View& view() const { return view_; }
  int bits() const { return 32 - view_.shift_; }
  uint64_t size_bytes() const { return (view_.mask_ + 1) * sizeof(uint64_t); }

  // The number of places given out: the last place.
  uint32_t size() const { return size_.load(std::memory_order_relaxed); }

  // Gives a number the next place, and returns it; 0 if that takes another map. REQUIRES: the
  // number has none.
  uint32_t Insert(uint32_t number);

  // A map with the same contents that takes more: with twice the entries if this one is full, and
  // another hash if it is not.
  std::unique_ptr<SlotMap> Regrown() const;

  // All numbers with their places, by number.
  std::vector<Numbered> Sorted() const;

 private:
  static constexpr size_t kMaxProbes = 1024;

  bool IsFull() const { return 4 * (uint64_t{size()} + 1) > 3 * (view_.mask_ + 1); }
  // Puts a number into an entry. False if it would have to pass kMaxProbes entries.
  bool Put(uint32_t number, uint32_t place);

  std::unique_ptr<uint64_t[]> entries_;
  uint32_t hash_;
  View view_;
  std::atomic<uint32_t> size_{0};
};

// Sets places[i] to the place of the slot of each feature of a batch; the low bits of a feature's
// id, chosen by `number_mask`, are the number of its slot. For readers of a map.
void FindPlaces(const ExampleBatch& batch, uint32_t number_mask, const SlotMap::View& map,
                uint32_t* places);

// The same for the writer: calls insert(number) for each number that has no place and is in a row
// whose weight is not 0. It must give the number a place, and returns the map to use from then on.
void MakePlaces(const ExampleBatch& batch, uint32_t number_mask, const SlotMap::View& map,
                absl::FunctionRef<SlotMap::View(uint32_t)> insert, uint32_t* places);

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_SLOT_MAP_H_
