#include "core/model/slot_map.h"

#include <algorithm>
#include <utility>

#include "core/base/zeroed_memory.h"

namespace freshet {
namespace {

// Finds the places of the features of a batch one by one, and looks ahead, so that the processor
// can fetch the map's entries meanwhile.
class PlaceFinder {
 public:
  PlaceFinder(const ExampleBatch& batch, uint32_t number_mask, const SlotMap::View& map,
              uint32_t* places)
      : ids_(batch.feature_ids.data()),
        count_(batch.feature_ids.size()),
        number_mask_(number_mask),
        map_(map),
        places_(places) {}

  uint32_t NumberOf(size_t i) const { return ids_[i] & number_mask_; }

  // Sets the places from `begin` on. Stops before a feature without one, or at `end`; returns
  // where.
  size_t Find(size_t begin, size_t end) {
    // Local copies, so that the compiler need not reload them after each store.
    const SlotMap::View map = map_;
    const uint32_t* const ids = ids_;
    const uint32_t mask = number_mask_;
    uint32_t* const places = places_;
    const size_t count = count_;
    size_t ahead = std::max(ahead_, begin);
    const auto look_ahead = [&] {
      places[ahead] = map.Prefetch(ids[ahead] & mask);
      ++ahead;
    };
    while (ahead < std::min(begin + kAhead, count)) look_ahead();
    size_t i = begin;
    for (; i < end; ++i) {
      if (ahead < count) look_ahead();
      const uint32_t place = map.FindFrom(places[i], ids[i] & mask);
      if (place == 0) break;
      places[i] = place;
    }
    ahead_ = ahead;
    return i;
  }

  // Sets the place of a feature that Find() has stopped at.
  void Set(size_t i, uint32_t place) { places_[i] = place; }
  // Sets the places [begin, begin + size) to those just before.
  void Repeat(size_t begin, size_t size) {
    std::copy_n(places_ + begin - size, size, places_ + begin);
  }
  // Whether the ids [begin, begin + size) are those just before.
  bool Repeats(size_t begin, size_t size) const {
    return std::equal(ids_ + begin, ids_ + begin + size, ids_ + begin - size);
  }

  void SetMap(const SlotMap::View& map) {
    if (map.IsSame(map_)) return;
    map_ = map;
    ahead_ = 0;
  }
  uint32_t FindOne(size_t i) const { return map_.Find(NumberOf(i)); }

 private:
  static constexpr size_t kAhead = 64;  // About one entry in four comes from far away.

  const uint32_t* const ids_;
  const size_t count_;
  const uint32_t number_mask_;
  SlotMap::View map_;
  uint32_t* const places_;
  size_t ahead_ = 0;  // Up to here, places that are not set yet hold the results of Prefetch().
};

// `insert` is null for readers.
void PlaceRows(const ExampleBatch& batch, PlaceFinder& finder,
               const absl::FunctionRef<SlotMap::View(uint32_t)>* insert) {
  size_t begin = 0;
  size_t size_before = 0;
  bool learned_before = false;
  for (size_t row = 0; row < batch.size(); ++row) {
    const size_t end = batch.RowEnd(row);
    const size_t size = end - begin;
    const bool is_learned = insert != nullptr && batch.Weight(row) != 0;
    // Rows of numbers often have the same ids as the row before.
    if (size == size_before && learned_before >= is_learned && finder.Repeats(begin, size)) {
      finder.Repeat(begin, size);
    } else {
      for (size_t i = finder.Find(begin, end); i < end; i = finder.Find(i + 1, end)) {
        if (is_learned) finder.SetMap((*insert)(finder.NumberOf(i)));
        finder.Set(i, finder.FindOne(i));
      }
      learned_before = is_learned;
    }
    size_before = size;
    begin = end;
  }
}

}  // namespace

void FindPlaces(const ExampleBatch& batch, uint32_t number_mask, const SlotMap::View& map,
                uint32_t* places) {
  PlaceFinder finder(batch, number_mask, map, places);
  PlaceRows(batch, finder, nullptr);
}

void MakePlaces(const ExampleBatch& batch, uint32_t number_mask, const SlotMap::View& map,
                absl::FunctionRef<SlotMap::View(uint32_t)> insert, uint32_t* places) {
  PlaceFinder finder(batch, number_mask, map, places);
  PlaceRows(batch, finder, &insert);
}

SlotMap::SlotMap(int bits, uint32_t hash) : hash_(hash) {
  const size_t count = size_t{1} << bits;
  entries_.reset(new uint64_t[count]);
  PreferHugePages(entries_.get(), count * sizeof(uint64_t));  // Before they are touched.
  std::fill_n(entries_.get(), count, 0);
  view_.entries_ = entries_.get();
  view_.mask_ = count - 1;
  view_.shift_ = 32 - bits;
  // The golden ratio, which spreads consecutive numbers; then odd numbers that look random.
  view_.multiplier_ = 0x9e3779b1U ^ (hash * 0x85ebca6bU) << 1;
}

uint32_t SlotMap::Insert(uint32_t number) {
  const uint32_t place = size() + 1;
  if (IsFull() || !Put(number, place)) return 0;
  size_.store(place, std::memory_order_relaxed);
  return place;
}

bool SlotMap::Put(uint32_t number, uint32_t place) {
  size_t i = view_.HomeOf(number);
  for (size_t passed = 0; entries_[i] != 0; ++passed) {
    if (passed == kMaxProbes) return false;
    i = (i + 1) & view_.mask_;
  }
  __atomic_store_n(&entries_[i], uint64_t{place} << 32 | number, __ATOMIC_RELAXED);
  return true;
}

std::unique_ptr<SlotMap> SlotMap::Regrown() const {
  uint32_t hash = IsFull() ? hash_ : hash_ + 1;
  for (int bits = IsFull() ? this->bits() + 1 : this->bits();; ++bits, ++hash) {
    auto map = std::make_unique<SlotMap>(bits, hash);
    const bool fits =
        std::all_of(entries_.get(), entries_.get() + view_.mask_ + 1, [&](uint64_t entry) {
          return entry == 0 ||
                 map->Put(static_cast<uint32_t>(entry), static_cast<uint32_t>(entry >> 32));
        });
    map->size_.store(size(), std::memory_order_relaxed);
    if (fits) return map;
  }
}

std::vector<SlotMap::Numbered> SlotMap::Sorted() const {
  std::vector<Numbered> numbered;
  numbered.reserve(size());
  for (size_t i = 0; i <= view_.mask_; ++i) {
    const uint64_t entry = entries_[i];
    if (entry != 0) {
      numbered.push_back({static_cast<uint32_t>(entry), static_cast<uint32_t>(entry >> 32)});
    }
  }
  std::sort(numbered.begin(), numbered.end(),
            [](const Numbered& a, const Numbered& b) { return a.number < b.number; });
  return numbered;
}

}  // namespace freshet
