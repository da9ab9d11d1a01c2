#include "core/feature/ngrams.h"

#include <algorithm>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "tests/core/feature/feature_rows.h"

namespace freshet {
namespace {

constexpr uint32_t kFactor = 27942141;

std::vector<uint32_t> Made(uint32_t length, uint32_t skips, const std::vector<uint32_t>& ids) {
  FeatureColumns columns;
  for (const uint32_t id : ids) columns.Add(id, 3);
  AppendNgrams(length, skips, 0, ids.size(), columns);
  for (size_t i = ids.size(); i < columns.size(); ++i) EXPECT_EQ(columns.value_column()[i], 1);
  return {columns.id_column().begin() + static_cast<ptrdiff_t>(ids.size()),
          columns.id_column().end()};
}

// A slow and obvious reference: tries every set of positions.
std::vector<uint32_t> Reference(uint32_t length, uint32_t skips, const std::vector<uint32_t>& ids) {
  std::vector<uint32_t> made;
  for (uint32_t set = 0; set < 1U << ids.size(); ++set) {
    std::vector<size_t> places;
    for (size_t i = 0; i < ids.size(); ++i) {
      if ((set >> i & 1) != 0) places.push_back(i);
    }
    if (places.size() < 2 || places.size() > length) continue;
    if (places.back() - places.front() + 1 - places.size() > skips) continue;
    uint32_t id = ids[places[0]];
    for (size_t i = 1; i < places.size(); ++i) id = id * kFactor + ids[places[i]];
    made.push_back(id);
  }
  return made;
}

TEST(NgramsTest, ArePairsOfNeighbours) {
  EXPECT_EQ(Made(2, 0, {5, 6, 7}), (std::vector<uint32_t>{5 * kFactor + 6, 6 * kFactor + 7}));
  EXPECT_TRUE(Made(2, 3, {5}).empty());
}

TEST(NgramsTest, AreThoseOfTheReference) {
  std::mt19937 random(5);
  for (uint32_t length = 2; length <= 8; ++length) {
    for (uint32_t skips = 0; skips <= 8; ++skips) {
      std::vector<uint32_t> ids(random() % 12);
      for (uint32_t& id : ids) id = random();
      std::vector<uint32_t> made = Made(length, skips, ids);
      std::vector<uint32_t> expected = Reference(length, skips, ids);
      EXPECT_EQ(CountNgrams(length, skips, ids.size()), expected.size()) << length << " " << skips;
      std::sort(made.begin(), made.end());
      std::sort(expected.begin(), expected.end());
      ASSERT_EQ(made, expected) << length << " " << skips;
    }
  }
}

TEST(NgramsTest, AreCutAtTheLimitOfARow) {
  std::vector<uint32_t> ids(1000);
  EXPECT_EQ(Made(8, 8, ids).size() + 1000, FeatureColumns::kMaxRowFeatures);
}

}  // namespace
}  // namespace freshet
