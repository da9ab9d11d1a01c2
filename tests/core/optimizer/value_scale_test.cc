#include "core/optimizer/value_scale.h"

#include <cmath>

#include "gtest/gtest.h"

namespace freshet {
namespace {

ValueScale After(ValueScale scale, float size, int times = 1) {
  for (int i = 0; i < times; ++i) {
    scale = scale.After(size);
    EXPECT_TRUE(scale.IsValid());
  }
  return scale;
}

// Sizes from 0.01 to 1 in turn.
ValueScale AfterUsual(ValueScale scale, int times) {
  for (int i = 0; i < times; ++i) scale = After(scale, 0.01f * static_cast<float>(i % 100 + 1));
  return scale;
}

TEST(ValueScaleTest, OfAValueThatNeverChangesIsThatValue) {
  for (const float size : {1e-15f, 1.0f, 1.6e9f, 1e15f}) {
    EXPECT_EQ(After({}, size, 10000).scale, size);
  }
}

TEST(ValueScaleTest, IsTheLargestUsualValue) { EXPECT_EQ(AfterUsual({}, 10000).scale, 1); }

TEST(ValueScaleTest, AGlitchHardlyMovesIt) {
  const ValueScale usual = AfterUsual({}, 2000);
  for (const float glitch : {30.0f, 1e6f, 1e15f}) {
    EXPECT_LE(After(usual, glitch).scale, 1.25f);
    EXPECT_LE(After(usual, glitch, 8).scale, 4 * 0.6f);
  }
  EXPECT_EQ(After(usual, 1e-15f).scale, 1);
}

TEST(ValueScaleTest, AGlitchAtFirstIsForgottenAfterSixteenValues) {
  EXPECT_EQ(AfterUsual(After({}, 1e6f), 14).scale, 1e6f);
  EXPECT_LE(AfterUsual(After({}, 1e6f), 15).scale, 1);
  EXPECT_EQ(AfterUsual(After({}, 1e6f), 1000).scale, 1);
}

TEST(ValueScaleTest, CodesForMissingValuesLeaveUsualValuesAQuarter) {
  ValueScale scale{};
  for (int i = 0; i < 20000; ++i) scale = After(scale, i % 20 == 5 ? 999.0f : 1.0f + i % 3);
  EXPECT_LE(scale.scale, 4 * 3);
}

TEST(ValueScaleTest, FollowsAChangeOfTheUnit) {
  EXPECT_EQ(AfterUsual(After(AfterUsual({}, 5000), 1000, 1500), 100).scale, 1000);
  EXPECT_EQ(After(AfterUsual({}, 5000), 0.001f, 2048 + 1024).scale, 0.001f);
}

TEST(ValueScaleTest, FollowsAFirstValueThatWasSmall) {
  EXPECT_GE(AfterUsual(After({}, 1e-4f), 100).scale, 0.9f);
}

TEST(ValueScaleTest, StatesThatCannotBeAreInvalid) {
  EXPECT_TRUE(ValueScale{}.IsValid());
  EXPECT_FALSE((ValueScale{1, 1, 1, 0}.IsValid()));
  EXPECT_FALSE((ValueScale{0, 0, 0, 1}.IsValid()));
  EXPECT_FALSE((ValueScale{1, 1, 1, 2048}.IsValid()));
  EXPECT_FALSE((ValueScale{1, -1, 1, 5}.IsValid()));
  EXPECT_FALSE((ValueScale{NAN, 1, 1, 5}.IsValid()));
}

}  // namespace
}  // namespace freshet
