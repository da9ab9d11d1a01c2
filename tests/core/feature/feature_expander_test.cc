#include "core/feature/feature_expander.h"

#include <cmath>
#include <random>
#include <set>
#include <vector>

#include "core/feature/hash.h"
#include "core/feature/value_bins.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/core/feature/feature_rows.h"

namespace freshet {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

FeatureOptions Numeric(const std::string& name_space, NumericKind kind, uint32_t bins = 4) {
  FeatureOptions options;
  options.numerics = {{name_space, kind, bins}};
  return options;
}

TEST(FeatureExpanderTest, MakesNgramsBeforeInteractionsAndKeepsTheRest) {
  FeatureOptions options;
  options.ngrams = {{"text", 2, 0}};
  options.interactions = {{{"user", "text"}}};
  const FeatureExpander expander(options);
  const std::vector<IdValue> made =
      Expand(expander, {{"user", {{7, 2}}}, {"x", {{1, 5}}}, {"text", {{10, 1}, {11, 1}}}});
  const uint32_t pair = 10U * 27942141U + 11U;
  const uint32_t half = 7U * 16777619U;
  EXPECT_THAT(made, ElementsAre(Pair(7, 2), Pair(1, 5), Pair(10, 1), Pair(11, 1), Pair(pair, 1),
                                Pair(half ^ 10, 2), Pair(half ^ 11, 2), Pair(half ^ pair, 2)));
}

TEST(FeatureExpanderTest, ANamedTransformGoesBeforeThatOfEveryNamespace) {
  FeatureOptions options;
  options.numerics = {{"*", NumericKind::kLogBins}, {"raw", NumericKind::kRaw}};
  options.ngrams = {{"*", 2, 0}, {"raw", 2, 1}};
  const FeatureExpander expander(options);
  EXPECT_THAT(Expand(expander, {{"raw", {{1, 30}}}, {"x", {{2, 30}}}}),
              ElementsAre(Pair(1, 30), Pair(BinId(2, 11), 1)));
  EXPECT_EQ(Expand(expander, {{"raw", {{1, 1}, {2, 1}, {3, 1}}}}).size(), 6u);
  EXPECT_EQ(Expand(expander, {{"x", {{1, 1}, {2, 1}, {3, 1}}}}).size(), 5u);
}

TEST(FeatureExpanderTest, LogBinsTellSizesAndSignsApart) {
  std::set<uint32_t> bins;
  for (const float value : {0.0f, 1.5f, 20.0f, 1e6f, -20.0f, 0.05f, -0.05f, 1e-40f}) {
    bins.insert(LogBin(value));
  }
  EXPECT_EQ(bins.size(), 8u);
  EXPECT_EQ(LogBin(1000), LogBin(1010));
  EXPECT_EQ(LogBin(100), 21u);
}

// Compares with two-pass means and variances over all examples so far.
TEST(FeatureExpanderTest, StandardisesByTheMomentsOfTheExamplesSoFar) {
  FeatureExpander expander(Numeric("n", NumericKind::kStandardize));
  std::mt19937 random(2);
  std::vector<std::vector<double>> seen(2);
  for (int i = 0; i < 300; ++i) {
    const float first = static_cast<float>(random() % 1000) / 10 + 500;
    const float second = random() % 3 == 0 ? static_cast<float>(random() % 100) + 2 : 0;
    const std::vector<NamedSegment> row = {{"n", {{1, first}, {2, second}}}, {"x", {{9, 4}}}};
    std::vector<IdValue> expected;
    for (size_t k = 0; k < 2 && i > 0; ++k) {
      double mean = 0;
      for (const double value : seen[k]) mean += value / i;
      double variance = 0;
      for (const double value : seen[k]) variance += (value - mean) * (value - mean) / i;
      const double value = k == 0 ? first : second;
      if (variance > 0) {
        expected.emplace_back(k + 1, static_cast<float>((value - mean) / std::sqrt(variance)));
      }
    }
    const std::vector<IdValue> made = Expand(expander, row);
    ASSERT_EQ(made.size(), expected.size() + 1) << i;
    for (size_t k = 0; k < expected.size(); ++k) {
      EXPECT_EQ(made[k].first, expected[k].first);
      EXPECT_NEAR(made[k].second, expected[k].second, 1e-5 * (1 + std::abs(expected[k].second)));
    }
    EXPECT_EQ(made.back(), IdValue(9, 4));
    Observe(expander, row);
    seen[0].push_back(first);
    seen[1].push_back(second);
  }
}

TEST(FeatureExpanderTest, ANumberThatARowLeavesOutIsZero) {
  FeatureExpander expander(Numeric("n", NumericKind::kStandardize));
  Observe(expander, {{"n", {{1, 4}}}});
  Observe(expander, {{"x", {{5, 1}}}});  // Now the mean is 2 and the deviation is 2.
  EXPECT_THAT(Expand(expander, {{"x", {{5, 1}}}}), ElementsAre(Pair(1, -1), Pair(5, 1)));
  EXPECT_THAT(Expand(expander, {{"x", {{5, 1}}}, {"n", {{1, 4}}}}),
              ElementsAre(Pair(1, 1), Pair(5, 1)));
}

TEST(FeatureExpanderTest, WhatWasOnlyEverOneIsACategory) {
  for (const NumericKind kind : {NumericKind::kStandardize, NumericKind::kQuantileBins}) {
    FeatureExpander expander(Numeric("*", kind));
    for (int i = 0; i < 10; ++i) Observe(expander, {{"n", {{1, 1}, {2, 1}}}});
    Observe(expander, {{"n", {{3, 5}}}});
    const std::vector<IdValue> made = Expand(expander, {{"n", {{1, 1}, {2, 1}}}});
    EXPECT_THAT(made, testing::IsSupersetOf({IdValue(1, 1), IdValue(2, 1)}));
  }
}

TEST(FeatureExpanderTest, NumbersBeyondTheRoomThereIsAreLeftOut) {
  FeatureExpander expander(Numeric("n", NumericKind::kStandardize));
  for (uint32_t id = 0; id < FeatureIndex::kCapacity + 10; ++id) {
    Observe(expander, {{"n", {{id, 3}}}});
  }
  const std::vector<IdValue> made = Expand(expander, {{"n", {{FeatureIndex::kCapacity + 5, 3}}}});
  EXPECT_EQ(made.size(), FeatureIndex::kCapacity);  // All numbers kept, whose values are 0 here.
  EXPECT_EQ(made.back().first, FeatureIndex::kCapacity - 1);
  FeatureExpander wide(Numeric("*", NumericKind::kStandardize));
  for (int i = 0; i < 70; ++i) {
    Observe(wide, {{"n" + std::to_string(i), {{static_cast<uint32_t>(i), 3}}}});
  }
  EXPECT_EQ(Expand(wide, {{"n69", {{69, 3}}}}).size(), 64u);
}

TEST(FeatureExpanderTest, QuantileBinsAreEquallyFull) {
  FeatureExpander expander(Numeric("n", NumericKind::kQuantileBins, 4));
  EXPECT_THAT(Expand(expander, {{"n", {{7, 300}}}}), ElementsAre(Pair(BinId(7, 0), 1)));
  std::mt19937 random(4);
  const auto value = [&] { return std::exp(static_cast<float>(random() % 1000) / 100); };
  for (int i = 0; i < 5000; ++i) Observe(expander, {{"n", {{7, value()}}}});
  std::map<uint32_t, int> counts;
  for (int i = 0; i < 4000; ++i) {
    const std::vector<IdValue> made = Expand(expander, {{"n", {{7, value()}}}});
    ASSERT_EQ(made.size(), 1u);
    EXPECT_EQ(made[0].second, 1);
    ++counts[made[0].first];
  }
  ASSERT_EQ(counts.size(), 4u);
  for (const auto& [id, count] : counts) EXPECT_NEAR(count, 1000, 150);
  EXPECT_TRUE(counts.contains(BinId(7, 0)) && counts.contains(BinId(7, 3)));
}

TEST(FeatureExpanderTest, CountsWhatItMakesOfARow) {
  FeatureOptions options;
  options.ngrams = {{"a", 3, 1}};
  options.interactions = {{{"a", "*"}}};
  const FeatureExpander expander(options);
  ExampleBatchBuilder builder;
  AddRow({{"a", {{1, 1}, {2, 1}, {3, 1}}}, {"b", {{4, 1}}}}, builder);
  AddRow({{"b", {{4, 1}}}, {"c", {{5, 1}, {6, 2}}}}, builder);
  FeatureExpander::Plan plan;
  expander.MakePlan(builder.View(), plan);
  for (size_t row = 0; row < 2; ++row) {
    FeatureColumns columns;
    expander.AppendRow(builder.View(), row, plan, columns);
    EXPECT_EQ(expander.CountRow(builder.View(), row, 1'000'000, plan), columns.size()) << row;
  }
}

}  // namespace
}  // namespace freshet
