#include "core/model/slot_map.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "core/feature/example_batch.h"
#include "gtest/gtest.h"

namespace freshet {
namespace {

// Inserts a number, doubling the map as often as it has to be.
uint32_t Add(std::unique_ptr<SlotMap>& map, uint32_t number) {
  while (true) {
    const uint32_t place = map->Insert(number);
    if (place != 0) return place;
    map = map->Regrown();
  }
}

TEST(SlotMapTest, GivesPlacesInOrderAndFindsThemAgain) {
  for (const uint32_t factor : {1U, 4096U, 0x9e3779b1U}) {
    auto map = std::make_unique<SlotMap>(SlotMap::kMinBits);
    std::map<uint32_t, uint32_t> places;
    for (uint32_t i = 0; i < 20'000; ++i) {
      const uint32_t number = i * factor;
      EXPECT_EQ(map->view().Find(number), 0u) << number;
      places[number] = Add(map, number);
      EXPECT_EQ(places[number], i + 1);
    }
    for (const auto& [number, place] : places) ASSERT_EQ(map->view().Find(number), place);
    EXPECT_EQ(map->size(), 20'000u);
    EXPECT_EQ(map->bits(), 15);  // Three quarters of 2^14 entries are too few.
    const std::vector<SlotMap::Numbered> sorted = map->Sorted();
    ASSERT_EQ(sorted.size(), places.size());
    EXPECT_TRUE(std::equal(sorted.begin(), sorted.end(), places.begin(),
                           [](const SlotMap::Numbered& slot, const auto& entry) {
                             return slot.number == entry.first && slot.place == entry.second;
                           }));
  }
}

// Numbers for which all lookups begin at the same entries, as somebody who knows the hash can
// choose them: without a limit, each would be compared with all others.
TEST(SlotMapTest, HashesInAnotherWayRatherThanSearchFar) {
  std::vector<uint32_t> numbers;
  for (uint32_t number = 0; numbers.size() < 8000; ++number) {
    if (number * 0x9e3779b1U < (1U << 17)) numbers.push_back(number);  // One of 2^15 entries.
  }
  auto map = std::make_unique<SlotMap>(15);
  for (const uint32_t number : numbers) Add(map, number);
  EXPECT_EQ(map->bits(), 15);
  for (uint32_t i = 0; i < numbers.size(); ++i) ASSERT_EQ(map->view().Find(numbers[i]), i + 1);
}

// Rows of random lengths, some of them equal to the one before, some of weight 0.
TEST(SlotMapTest, PlacesABatchLikeOneFeatureAfterTheOther) {
  std::mt19937 random(3);
  auto map = std::make_unique<SlotMap>(SlotMap::kMinBits);
  auto expected_map = std::make_unique<SlotMap>(SlotMap::kMinBits);
  constexpr uint32_t kMask = (1 << 20) - 1;
  for (int repetition = 0; repetition < 50; ++repetition) {
    std::vector<uint32_t> ids;
    std::vector<uint32_t> row_ends;
    std::vector<float> weights;
    for (int row = 0; row < 40; ++row) {
      const size_t begin = row_ends.size() > 1 ? row_ends[row_ends.size() - 2] : 0;
      const size_t end = ids.size();
      if (random() % 3 == 0) {
        for (size_t i = begin; i < end; ++i) ids.push_back(ids[i]);
      } else {
        const size_t size = random() % 100;
        for (size_t i = 0; i < size; ++i) {
          const uint32_t known = random() % 300;
          ids.push_back((random() % 2 == 0 ? random() : known) * 0x10101U);
        }
      }
      row_ends.push_back(static_cast<uint32_t>(ids.size()));
      weights.push_back(random() % 3 == 0 ? 0.0f : 1.0f);
    }
    const ExampleBatch batch{.row_ends = row_ends,
                             .labels = {},
                             .weights = weights,
                             .feature_ids = ids,
                             .values = {},
                             .namespace_hashes = {},
                             .segment_sizes = {}};

    std::vector<uint32_t> found(ids.size());
    FindPlaces(batch, kMask, map->view(), found.data());
    for (size_t i = 0; i < ids.size(); ++i) {
      ASSERT_EQ(found[i], expected_map->view().Find(ids[i] & kMask));
    }
    std::vector<uint32_t> made(ids.size());
    MakePlaces(
        batch, kMask, map->view(),
        [&](uint32_t number) {
          Add(map, number);
          return map->view();
        },
        made.data());
    for (size_t row = 0; row < batch.size(); ++row) {
      for (size_t i = batch.RowBegin(row); i < batch.RowEnd(row); ++i) {
        const uint32_t number = ids[i] & kMask;
        uint32_t place = expected_map->view().Find(number);
        if (place == 0 && weights[row] != 0) place = Add(expected_map, number);
        ASSERT_EQ(made[i], place) << row << " " << i;
      }
    }
  }
  EXPECT_GT(map->bits(), 15);
}

}  // namespace
}  // namespace freshet
