#include "server/join/label_aggregate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace freshet {
namespace {

constexpr int64_t kForever = std::numeric_limits<int64_t>::max();

// Feedback of these values, a millisecond apart, in the order of their times.
std::vector<Feedback> ValuesOf(const std::vector<float>& values) {
  std::vector<Feedback> items;
  items.reserve(values.size());
  for (const float value : values) {
    items.push_back({.name = "click",
                     .feedback_id = "",
                     .value = value,
                     .time_ms = static_cast<int64_t>(items.size())});
  }
  return items;
}

v1::LabelRule Aggregating(v1::FeedbackAggregate aggregate) {
  v1::LabelRule rule;
  rule.set_aggregate(aggregate);
  return rule;
}

float LabelBy(v1::FeedbackAggregate aggregate, const std::vector<float>& values) {
  return LabelOf(Aggregating(aggregate), ValuesOf(values), kForever).label;
}

TEST(LabelAggregateTest, EveryAggregateIsRightForNegativeValues) {
  const std::vector<float> values = {-3, -7, -2};
  EXPECT_EQ(LabelBy(v1::FEEDBACK_AGGREGATE_UNSPECIFIED, values), 1);
  EXPECT_EQ(LabelBy(v1::FEEDBACK_AGGREGATE_ANY, values), 1);
  EXPECT_EQ(LabelBy(v1::FEEDBACK_AGGREGATE_FIRST, values), -3);
  EXPECT_EQ(LabelBy(v1::FEEDBACK_AGGREGATE_LAST, values), -2);
  EXPECT_EQ(LabelBy(v1::FEEDBACK_AGGREGATE_SUM, values), -12);
  EXPECT_EQ(LabelBy(v1::FEEDBACK_AGGREGATE_MEAN, values), -4);
  EXPECT_EQ(LabelBy(v1::FEEDBACK_AGGREGATE_MIN, values), -7);
  EXPECT_EQ(LabelBy(v1::FEEDBACK_AGGREGATE_MAX, values), -2);
  EXPECT_EQ(LabelBy(v1::FEEDBACK_AGGREGATE_COUNT, values), 3);
}

TEST(LabelAggregateTest, EveryAggregateIsRightForPositiveValuesAndZero) {
  const std::vector<float> values = {5, 0, 4};
  EXPECT_EQ(LabelBy(v1::FEEDBACK_AGGREGATE_ANY, values), 1);
  EXPECT_EQ(LabelBy(v1::FEEDBACK_AGGREGATE_ANY, {0, 0}), 0);
  EXPECT_EQ(LabelBy(v1::FEEDBACK_AGGREGATE_FIRST, values), 5);
  EXPECT_EQ(LabelBy(v1::FEEDBACK_AGGREGATE_LAST, values), 4);
  EXPECT_EQ(LabelBy(v1::FEEDBACK_AGGREGATE_SUM, values), 9);
  EXPECT_EQ(LabelBy(v1::FEEDBACK_AGGREGATE_MEAN, values), 3);
  EXPECT_EQ(LabelBy(v1::FEEDBACK_AGGREGATE_MIN, values), 0);
  EXPECT_EQ(LabelBy(v1::FEEDBACK_AGGREGATE_MAX, values), 5);
}

TEST(LabelAggregateTest, FirstAndLastGoByTimeAndThenByTheOrderOfTheLog) {
  std::vector<Feedback> items = ValuesOf({1, 2, 3, 4});
  items[0].time_ms = 20;
  items[1].time_ms = 10;
  items[2].time_ms = 20;
  items[3].time_ms = 10;
  EXPECT_EQ(LabelOf(Aggregating(v1::FEEDBACK_AGGREGATE_FIRST), items, kForever).label, 2);
  EXPECT_EQ(LabelOf(Aggregating(v1::FEEDBACK_AGGREGATE_LAST), items, kForever).label, 3);
}

TEST(LabelAggregateTest, FeedbackAfterTheEndDoesNotCount) {
  const v1::LabelRule rule = Aggregating(v1::FEEDBACK_AGGREGATE_SUM);
  EXPECT_EQ(LabelOf(rule, ValuesOf({1, 2, 4}), 1).label, 3);
  EXPECT_FALSE(LabelOf(rule, ValuesOf({1, 2, 4}), -1).matched);
}

TEST(LabelAggregateTest, AThresholdIsReachedByEqualValuesToo) {
  v1::LabelRule rule = Aggregating(v1::FEEDBACK_AGGREGATE_MAX);
  rule.set_threshold(-2);
  EXPECT_EQ(LabelOf(rule, ValuesOf({-3, -2}), kForever).label, 1);
  EXPECT_EQ(LabelOf(rule, ValuesOf({-3, -2.5}), kForever).label, 0);
}

TEST(LabelAggregateTest, WithoutFeedbackTheDefaultLabelHolds) {
  v1::LabelRule rule;
  EXPECT_EQ(LabelOf(rule, {}, kForever).label, 0);
  rule.set_default_label(-1);
  EXPECT_EQ(LabelOf(rule, {}, kForever).label, -1);
  EXPECT_FALSE(LabelOf(rule, {}, kForever).matched);
  rule.set_drop_unmatched(true);
  EXPECT_TRUE(std::isnan(LabelOf(rule, {}, kForever).label));
}

TEST(LabelAggregateTest, ALabelThatIsNotFiniteIsNotLearned) {
  const float huge = std::numeric_limits<float>::max();
  EXPECT_TRUE(std::isnan(LabelBy(v1::FEEDBACK_AGGREGATE_SUM, {huge, huge})));
  EXPECT_EQ(LabelBy(v1::FEEDBACK_AGGREGATE_MEAN, {huge, huge}), huge);
}

TEST(LabelAggregateTest, TheGreatestWeightOfTheNamesThatCameHolds) {
  v1::LabelRule rule;
  v1::CountedFeedback& click = *rule.add_feedback();
  click.set_name("click");
  click.set_weight(0.25f);
  v1::CountedFeedback& buy = *rule.add_feedback();
  buy.set_name("buy");
  buy.set_weight(5);
  std::vector<Feedback> items = ValuesOf({1, 1});
  EXPECT_EQ(LabelOf(rule, items, kForever).weight, 0.25f);
  items[1].name = "buy";
  EXPECT_EQ(LabelOf(rule, items, kForever).weight, 5);
  items[1].name = "other";
  EXPECT_EQ(LabelOf(rule, items, kForever).weight, 0.25f);
  EXPECT_EQ(LabelOf(rule, {}, kForever).weight, 1);
  EXPECT_FALSE(CountsAsFeedback(rule, "other"));
  EXPECT_TRUE(CountsAsFeedback(v1::LabelRule(), "other"));
}

TEST(LabelAggregateTest, FeedbackWithAnIdThatCameBeforeIsADuplicate) {
  std::vector<Feedback> items;
  const Feedback one{.name = "click", .feedback_id = "a"};
  EXPECT_EQ(AddFeedback(one, items), AddedFeedback::kNew);
  EXPECT_EQ(AddFeedback(one, items), AddedFeedback::kDuplicate);
  EXPECT_EQ(AddFeedback({.name = "click", .feedback_id = "b"}, items), AddedFeedback::kNew);
  EXPECT_EQ(AddFeedback({.name = "click", .feedback_id = ""}, items), AddedFeedback::kNew);
  EXPECT_EQ(AddFeedback({.name = "click", .feedback_id = ""}, items), AddedFeedback::kNew);
  EXPECT_EQ(LabelOf(Aggregating(v1::FEEDBACK_AGGREGATE_COUNT), items, kForever).label, 4);
}

TEST(LabelAggregateTest, AWithdrawalTakesBackFeedbackOfItsIdBeforeAndAfter) {
  std::vector<Feedback> items;
  AddFeedback({.name = "click", .feedback_id = "a"}, items);
  AddFeedback({.name = "", .feedback_id = "a", .value = 1, .time_ms = 0, .withdraws = true}, items);
  AddFeedback({.name = "", .feedback_id = "b", .value = 1, .time_ms = 0, .withdraws = true}, items);
  EXPECT_EQ(AddFeedback({.name = "click", .feedback_id = "b"}, items), AddedFeedback::kNew);
  EXPECT_EQ(AddFeedback({.name = "click", .feedback_id = "b"}, items), AddedFeedback::kDuplicate);
  EXPECT_FALSE(LabelOf(v1::LabelRule(), items, kForever).matched);
  ASSERT_EQ(items.size(), 2U);
  EXPECT_TRUE(items[1].withdrawn);
}

TEST(LabelAggregateTest, AWithdrawalWithoutAnIdTakesBackAllOfItsName) {
  std::vector<Feedback> items = ValuesOf({1, 1, 1});
  items[2].name = "buy";
  AddFeedback({.name = "click", .feedback_id = "", .value = 1, .time_ms = 9, .withdraws = true},
              items);
  EXPECT_EQ(LabelOf(Aggregating(v1::FEEDBACK_AGGREGATE_COUNT), items, kForever).label, 1);
}

TEST(LabelAggregateTest, TheFeedbackOfOneEventIsBounded) {
  std::vector<Feedback> items;
  for (size_t i = 0; i < kMaxFeedbackPerEvent; ++i) {
    ASSERT_EQ(AddFeedback({.name = "click", .feedback_id = ""}, items), AddedFeedback::kNew);
  }
  EXPECT_EQ(AddFeedback({.name = "click", .feedback_id = ""}, items), AddedFeedback::kTooMuch);
}

bool Settles(v1::FeedbackAggregate aggregate, bool with_threshold,
             const std::vector<float>& values) {
  v1::LabelRule rule = Aggregating(aggregate);
  if (with_threshold) rule.set_threshold(2);
  return SettlesLabel(rule, ValuesOf(values), kForever);
}

TEST(LabelAggregateTest, FeedbackSettlesTheLabelIfNoneThatFollowsCanChangeIt) {
  EXPECT_TRUE(Settles(v1::FEEDBACK_AGGREGATE_ANY, false, {0, 1}));
  EXPECT_FALSE(Settles(v1::FEEDBACK_AGGREGATE_ANY, false, {0}));
  EXPECT_TRUE(Settles(v1::FEEDBACK_AGGREGATE_FIRST, false, {0}));
  EXPECT_TRUE(Settles(v1::FEEDBACK_AGGREGATE_MAX, true, {-1, 2}));
  EXPECT_FALSE(Settles(v1::FEEDBACK_AGGREGATE_MAX, true, {-1, 1}));
  EXPECT_FALSE(Settles(v1::FEEDBACK_AGGREGATE_MAX, false, {9}));
  EXPECT_TRUE(Settles(v1::FEEDBACK_AGGREGATE_SUM, true, {1, 1}));
  EXPECT_FALSE(Settles(v1::FEEDBACK_AGGREGATE_SUM, true, {-1, 5}));
  EXPECT_TRUE(Settles(v1::FEEDBACK_AGGREGATE_COUNT, true, {-1, -1}));
  EXPECT_FALSE(Settles(v1::FEEDBACK_AGGREGATE_COUNT, true, {1}));
  for (const auto open :
       {v1::FEEDBACK_AGGREGATE_LAST, v1::FEEDBACK_AGGREGATE_MEAN, v1::FEEDBACK_AGGREGATE_MIN}) {
    EXPECT_FALSE(Settles(open, true, {9, 9}));
  }
  EXPECT_FALSE(Settles(v1::FEEDBACK_AGGREGATE_FIRST, false, {}));
}

}  // namespace
}  // namespace freshet
