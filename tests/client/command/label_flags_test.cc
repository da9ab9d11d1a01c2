#include "client/command/label_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "core/base/str_cat.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

std::string ErrorOf(const LabelFlags& flags) {
  return std::string(ToStd(MakeLabelRule(flags).status().message()));
}

TEST(LabelFlagsTest, WithoutFlagsThereIsNoRule) { EXPECT_FALSE(MakeLabelRule({})->has_value()); }

TEST(LabelFlagsTest, TheRuleHasWhatTheFlagsSay) {
  const LabelFlags flags{.wait = "10m",
                         .horizon = "7d",
                         .hold = "90",
                         .policy = "at-feedback",
                         .feedback = {"click", "sale:2.5", "a:b"},
                         .aggregate = "sum",
                         .threshold = 50,
                         .default_label = -1,
                         .max_pending_events = 7,
                         .max_pending_bytes = "10G"};
  const auto made = MakeLabelRule(flags);
  ASSERT_TRUE(made.ok()) << made.status();
  const v1::LabelRule& rule = **made;
  EXPECT_EQ(rule.wait_ms(), 600'000U);
  EXPECT_EQ(rule.horizon_ms(), 604'800'000U);
  EXPECT_EQ(rule.hold_ms(), 90'000U);
  EXPECT_EQ(rule.policy(), v1::LABEL_POLICY_AT_FEEDBACK);
  EXPECT_EQ(rule.aggregate(), v1::FEEDBACK_AGGREGATE_SUM);
  ASSERT_EQ(rule.feedback_size(), 3);
  EXPECT_EQ(rule.feedback(0).name(), "click");
  EXPECT_FALSE(rule.feedback(0).has_weight());
  EXPECT_EQ(rule.feedback(1).name(), "sale");
  EXPECT_EQ(rule.feedback(1).weight(), 2.5F);
  EXPECT_EQ(rule.feedback(2).name(), "a:b");  // No number follows the colon.
  EXPECT_EQ(rule.threshold(), 50);
  EXPECT_EQ(rule.default_label(), -1);
  EXPECT_EQ(rule.max_pending_events(), 7U);
  EXPECT_EQ(rule.max_pending_bytes(), 10'000'000'000U);
}

TEST(LabelFlagsTest, AWaitOfZeroIsARule) {
  const auto made = MakeLabelRule({.wait = "0"});
  ASSERT_TRUE(made.ok() && made->has_value());
  EXPECT_EQ((*made)->wait_ms(), 0U);
  EXPECT_EQ((*made)->policy(), v1::LABEL_POLICY_AFTER_WAIT);
}

TEST(LabelFlagsTest, OtherFlagsNeedAWait) {
  EXPECT_THAT(ErrorOf({.feedback = {"click"}}), HasSubstr("--feedback needs --wait"));
  EXPECT_THAT(ErrorOf({.drop_unmatched = true}), HasSubstr("--drop-unmatched needs --wait"));
}

TEST(LabelFlagsTest, ErrorsSayWhatIsAllowed) {
  EXPECT_THAT(ErrorOf({.wait = "soon"}), HasSubstr("--wait: 'soon' is not a duration"));
  EXPECT_THAT(ErrorOf({.wait = "1h", .horizon = "1m"}), HasSubstr("shorter than --wait 1h"));
  EXPECT_THAT(ErrorOf({.wait = "1h", .policy = "late"}), HasSubstr("after-wait"));
  EXPECT_THAT(ErrorOf({.wait = "1h", .aggregate = "avg"}), HasSubstr("mean"));
  EXPECT_THAT(ErrorOf({.wait = "1h", .feedback = {"click", "click:2"}}),
              HasSubstr("names click twice"));
  EXPECT_THAT(ErrorOf({.wait = "1h", .default_label = 0, .drop_unmatched = true}),
              HasSubstr("cannot be combined"));
}

TEST(LabelFlagsTest, NamesAreThoseOfTheFlags) {
  EXPECT_EQ(LabelPolicyName(v1::LABEL_POLICY_CORRECT), "correct");
  EXPECT_EQ(LabelPolicyName(v1::LABEL_POLICY_UNSPECIFIED), "after-wait");
  EXPECT_EQ(FeedbackAggregateName(v1::FEEDBACK_AGGREGATE_MEAN), "mean");
}

}  // namespace
}  // namespace freshet
