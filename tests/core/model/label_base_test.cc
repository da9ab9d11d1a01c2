#include "core/model/label_base.h"

#include <cmath>

#include "core/base/state.h"
#include "core/loss/hinge.h"
#include "core/loss/logistic.h"
#include "core/loss/poisson.h"
#include "core/loss/quantile.h"
#include "core/loss/squared.h"
#include "gtest/gtest.h"

namespace freshet {
namespace {

TEST(LabelBaseTest, IsTheLogitOfTheWeightedShareOfPositives) {
  LabelBase<LogisticLoss> base{LogisticLoss(), 0};
  EXPECT_EQ(base.Score(0, 1), 0);
  base.Observe(-1, 2, 1);
  EXPECT_NEAR(base.Score(0, 1), std::log(1.0 / 3), 1e-12);
  base.Observe(1, 10, 1);
  EXPECT_NEAR(base.Score(0, 1), std::log(11.0 / 3), 1e-12);
}

TEST(LabelBaseTest, BeginsWithTheGivenScore) {
  LabelBase<LogisticLoss> base{LogisticLoss(), -2};
  EXPECT_EQ(base.Score(0, 1), -2);
  base.Observe(-1, 1, 1);
  EXPECT_LT(base.Score(0, 1), -2);
}

TEST(LabelBaseTest, IsTheMoreFrequentClassForHingeLoss) {
  LabelBase<HingeLoss> base{HingeLoss(), 0};
  base.Observe(0, 1, 1);
  EXPECT_EQ(base.Score(0, 1), -1);
  base.Observe(1, 3, 1);
  EXPECT_EQ(base.Score(0, 1), 1);
}

TEST(LabelBaseTest, IsTheLogarithmOfTheMeanCountForPoissonLoss) {
  LabelBase<PoissonLoss> base{PoissonLoss(), 0};
  for (int i = 0; i < 1000; ++i) base.Observe(static_cast<float>(i % 7), 0.1, 1);
  EXPECT_NEAR(base.Score(0, 1), std::log(3.0), 0.01);
}

TEST(LabelBaseTest, IsTheCenterForSquaredLoss) {
  LabelBase<SquaredLoss> base{SquaredLoss(), 0};
  base.Observe(5, 1, 1);
  EXPECT_EQ(base.Score(5, 2), 0);
}

TEST(LabelBaseTest, FindsTheQuantile) {
  LabelBase<QuantileLoss> base{QuantileLoss(0.9), 0};
  for (int i = 0; i < 20000; ++i) base.Observe(static_cast<float>(i * 37 % 1000), 1, 250);
  EXPECT_NEAR(500 + 250 * base.Score(500, 250), 900, 20);
}

TEST(LabelBaseTest, SurvivesARestartAndRefusesAStateThatCannotBe) {
  LabelBase<LogisticLoss> base{LogisticLoss(), 0};
  base.Observe(1, 2, 1);
  base.Observe(-1, 3, 1);
  StateWriter writer;
  base.SaveState(writer);
  StateReader reader(writer.Chunks()[0]);
  LabelBase<LogisticLoss> restored{LogisticLoss(), 0};
  ASSERT_TRUE(restored.LoadState(reader).ok());
  EXPECT_EQ(restored.Score(0, 1), base.Score(0, 1));
  StateWriter bad;
  for (const double number : {1.0, 2.0, 3.0, 0.0}) bad.WriteValue(number);  // More than all.
  StateReader bad_reader(bad.Chunks()[0]);
  EXPECT_EQ(restored.LoadState(bad_reader).code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace freshet
