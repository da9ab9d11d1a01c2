#include "core/model/table_usage.h"

#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/example_stream.h"

namespace freshet {
namespace {

// Compares with an experiment that throws features into slots and counts.
TEST(TableUsageTest, IsThatOfFeaturesWithRandomSlots) {
  std::mt19937 random(1);
  constexpr uint32_t kSlots = 1 << 16;
  for (const uint32_t features : {1U, 1000U, 30'000U, 200'000U}) {
    std::vector<uint32_t> load(kSlots);
    for (uint32_t i = 0; i < features; ++i) ++load[random() % kSlots];
    uint64_t used = 0;
    uint64_t colliding = 0;
    for (const uint32_t count : load) {
      used += count > 0 ? 1 : 0;
      colliding += count > 1 ? count : 0;
    }
    const TableUsage usage = EstimateTableUsage(kSlots, used);
    EXPECT_EQ(usage.used_slot_count, used);
    EXPECT_NEAR(usage.feature_count, features, 0.02 * features);
    EXPECT_NEAR(usage.collision_share, static_cast<double>(colliding) / features, 0.02);
  }
}

TEST(TableUsageTest, OfAnEmptyAndAFullTableIsFinite) {
  EXPECT_EQ(EstimateTableUsage(1024, 0).feature_count, 0u);
  EXPECT_EQ(EstimateTableUsage(1024, 0).collision_share, 0);
  EXPECT_GT(EstimateTableUsage(1024, 1024).feature_count, 5000u);
  EXPECT_LE(EstimateTableUsage(1024, 1024).collision_share, 1);
}

TEST(TableUsageTest, OfALargeTableIsTakenFromASample) {
  for (const bool consecutive : {false, true}) {
    LearnerSpec spec;
    spec.linear.bits = 23;
    const std::unique_ptr<Learner> learner = NewLearner(spec);
    std::mt19937 random(7);
    for (uint32_t part = 0; part < 20; ++part) {
      StreamExample example;
      example.label = 1;
      for (uint32_t i = 0; i < 5000; ++i) {
        example.features.push_back(
            {consecutive ? part * 5000 + i : static_cast<uint32_t>(random()), 1});
      }
      Learn(*learner, {{example}});
    }
    const uint64_t used = learner->CountUsedSlots();
    EXPECT_GT(used, 98'000u);
    EXPECT_NEAR(learner->EstimateUsedSlots(), used, 0.03 * static_cast<double>(used));
  }
}

}  // namespace
}  // namespace freshet
