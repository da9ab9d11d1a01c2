// Compares the largest weights and the largest changes with a full sort.

#include "core/model/top_weights.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/fixed_learner.h"

namespace freshet {
namespace {

std::vector<SlotWeight> TopWeights(const Learner& learner, size_t limit) {
  TopWeightsScan scan(learner, limit);
  while (scan.ReadPart()) continue;
  return scan.Take();
}

WeightComparison CompareWeights(const Learner& old_learner, const Learner& new_learner,
                                size_t limit) {
  WeightComparisonScan scan(old_learner, new_learner, limit);
  while (scan.ReadPart()) continue;
  return scan.Take();
}

TEST(TopWeightsTest, AreThoseOfAFullSort) {
  const std::vector<float> weights = RandomWeights(1);
  std::vector<std::pair<float, uint32_t>> sorted;  // By descending size, then by slot.
  for (uint32_t slot = 0; slot < weights.size(); ++slot) {
    if (weights[slot] != 0) sorted.emplace_back(-std::abs(weights[slot]), slot);
  }
  std::sort(sorted.begin(), sorted.end());
  const FixedLearner learner(weights);
  for (const size_t limit : {0UL, 1UL, 2UL, 50UL, 1000UL, sorted.size(), sorted.size() + 9}) {
    SCOPED_TRACE(limit);
    const std::vector<SlotWeight> top = TopWeights(learner, limit);
    ASSERT_EQ(top.size(), std::min(limit, sorted.size()));
    for (size_t i = 0; i < top.size(); ++i) {
      EXPECT_EQ(top[i].slot, sorted[i].second);
      EXPECT_EQ(top[i].weight.weight, weights[top[i].slot]);
    }
  }
}

TEST(TopWeightsTest, ComparesEveryWeight) {
  const std::vector<float> was = RandomWeights(1);
  const std::vector<float> is = RandomWeights(2);
  std::vector<std::pair<float, uint32_t>> sorted;
  uint64_t added = 0;
  uint64_t removed = 0;
  for (uint32_t slot = 0; slot < was.size(); ++slot) {
    if (was[slot] != is[slot]) sorted.emplace_back(-std::abs(is[slot] - was[slot]), slot);
    if (was[slot] == 0 && is[slot] != 0) ++added;
    if (was[slot] != 0 && is[slot] == 0) ++removed;
  }
  std::sort(sorted.begin(), sorted.end());
  const WeightComparison comparison = CompareWeights(FixedLearner(was), FixedLearner(is), 77);
  EXPECT_EQ(comparison.changed_count, sorted.size());
  EXPECT_EQ(comparison.added_count, added);
  EXPECT_EQ(comparison.removed_count, removed);
  ASSERT_EQ(comparison.changes.size(), 77U);
  for (size_t i = 0; i < comparison.changes.size(); ++i) {
    const SlotChange& change = comparison.changes[i];
    EXPECT_EQ(change.slot, sorted[i].second);
    EXPECT_EQ(change.old_weight, was[change.slot]);
    EXPECT_EQ(change.new_weight.weight, is[change.slot]);
  }
}

TEST(TopWeightsTest, FindNothingChangedInOneLearner) {
  const FixedLearner learner(RandomWeights(3));
  const WeightComparison comparison = CompareWeights(learner, learner, 10);
  EXPECT_EQ(comparison.changed_count, 0U);
  EXPECT_TRUE(comparison.changes.empty());
}

TEST(TopWeightsTest, GiveTheInterceptApart) {
  EXPECT_EQ(InterceptOf(FixedLearner(RandomWeights(4))), FixedLearner::kIntercept);
}

}  // namespace
}  // namespace freshet
