#include "core/model/weight_unit.h"

#include "core/base/state.h"
#include "gtest/gtest.h"

namespace freshet {
namespace {

TEST(WeightUnitTest, EqualWeightsCountAsOne) {
  for (const double weight : {1e-30, 0.001, 0.3, 1.0, 7.0, 1e30}) {
    WeightUnit unit;
    for (int i = 0; i < 1000; ++i) {
      const WeightUnit::Counted counted = unit.Count(weight);
      ASSERT_EQ(counted.relative, 1) << weight;
      ASSERT_EQ(counted.share, 1) << weight;
      ASSERT_EQ(counted.kept, i == 0 ? 0 : 1) << weight;
    }
  }
}

TEST(WeightUnitTest, AHeavyExampleAmongLightOnesIsTheUnit) {
  WeightUnit unit;
  for (int i = 0; i < 100; ++i) unit.Count(1);
  const WeightUnit::Counted heavy = unit.Count(1000);
  EXPECT_NEAR(heavy.relative, 1.1, 0.01);
  EXPECT_EQ(heavy.share, 1);
  EXPECT_EQ(heavy.kept, 0.001);
  const WeightUnit::Counted light = unit.Count(1);
  EXPECT_NEAR(light.relative, 0.0011, 0.0001);
  EXPECT_EQ(light.share, 0.001);
  EXPECT_EQ(light.kept, 1);
}

TEST(WeightUnitTest, FollowsWeightsThatBecomeLighter) {
  WeightUnit unit;
  for (int i = 0; i < 1000; ++i) unit.Count(1000);
  for (int i = 0; i < 300000; ++i) unit.Count(1);
  EXPECT_NEAR(unit.Count(1).relative, 1, 0.01);
  EXPECT_GE(unit.Count(1).share, 0.5);
}

TEST(WeightUnitTest, RefusesAStateThatCannotBe) {
  for (const double bad : {-1.0, 1e300 * 1e300}) {
    StateWriter writer;
    for (const double number : {1.0, 1.0, 1.0, bad}) writer.WriteValue(number);
    StateReader reader(writer.Chunks()[0]);
    WeightUnit unit;
    EXPECT_EQ(unit.LoadState(reader).code(), absl::StatusCode::kDataLoss) << bad;
  }
}

}  // namespace
}  // namespace freshet
