// A small index from feature ids to consecutive numbers.

#ifndef FRESHET_CORE_FEATURE_FEATURE_INDEX_H_
#define FRESHET_CORE_FEATURE_FEATURE_INDEX_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace freshet {

// Numbers ids 0, 1, ... in the order in which they are added, up to kCapacity ids.
//
// Threads: one writer adds while any number of readers look up. A reader that finds an id also sees
// everything that the writer stored before Add().
class FeatureIndex {
 public:
  static constexpr uint32_t kCapacity = 1024;
  static constexpr uint32_t kNone = UINT32_MAX;

  // The number of an id, or kNone if it was not added.
  uint32_t Find(uint32_t id) const {
    for (uint32_t place = PlaceOf(id);; place = (place + 1) % kPlaces) {
      const uint32_t number = places_[place].load(std::memory_order_acquire);
      if (number == 0) return kNone;
      if (IdOf(number - 1) == id) return number - 1;
    }
  }

  // Only for the writer. REQUIRES: the id is new, and size() < kCapacity.
  void Add(uint32_t id) {
    const uint32_t number = size();
    ids_[number].store(id, std::memory_order_relaxed);
    uint32_t place = PlaceOf(id);
    while (places_[place].load(std::memory_order_relaxed) != 0) place = (place + 1) % kPlaces;
    places_[place].store(number + 1, std::memory_order_release);
    size_.store(number + 1, std::memory_order_release);
  }

  uint32_t size() const { return size_.load(std::memory_order_acquire); }
  // REQUIRES: number < size().
  uint32_t IdOf(uint32_t number) const { return ids_[number].load(std::memory_order_relaxed); }

 private:
  static constexpr uint32_t kPlaces = 2 * kCapacity;

  static uint32_t PlaceOf(uint32_t id) { return (id * 0x9e3779b1U) >> 21; }

  std::array<std::atomic<uint32_t>, kCapacity> ids_{};
  // An open-addressing hash table: number + 1, or 0 for a free place.
  std::array<std::atomic<uint32_t>, kPlaces> places_{};
  std::atomic<uint32_t> size_{0};
};

}  // namespace freshet

#endif  // FRESHET_CORE_FEATURE_FEATURE_INDEX_H_
