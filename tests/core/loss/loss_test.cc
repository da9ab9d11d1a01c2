#include <cmath>

#include "core/loss/logistic.h"
#include "core/loss/squared.h"
#include "gtest/gtest.h"

namespace freshet {
namespace {

template <typename Loss>
void ExpectGradientIsTheSlope(double score, float label) {
  constexpr double kStep = 1e-4;
  const double slope =
      (Loss::Value(score + kStep, label) - Loss::Value(score - kStep, label)) / (2 * kStep);
  EXPECT_NEAR(Loss::Gradient(static_cast<float>(score), label), slope, 1e-6 * (1 + std::abs(slope)))
      << score << " " << label;
}

TEST(LogisticLossTest, AgreesWithTheFormula) {
  for (double score = -20; score <= 20; score += 0.7) {
    EXPECT_NEAR(LogisticLoss::Value(score, 1), std::log1p(std::exp(-score)), 1e-13);
    EXPECT_NEAR(LogisticLoss::Value(score, 0), std::log1p(std::exp(score)), 1e-13);
    EXPECT_NEAR(LogisticLoss::Link(static_cast<float>(score)), 1 / (1 + std::exp(-score)), 1e-6);
  }
}

TEST(LogisticLossTest, GradientIsTheSlope) {
  for (double score = -12; score <= 12; score += 0.37) {
    for (const float label : {-1.0f, 0.0f, 1.0f}) {
      ExpectGradientIsTheSlope<LogisticLoss>(score, label);
    }
  }
}

TEST(LogisticLossTest, IsStableFarOut) {
  EXPECT_EQ(LogisticLoss::Value(1e30, 0), 1e30);
  EXPECT_EQ(LogisticLoss::Value(-1e30, 1), 1e30);
  EXPECT_EQ(LogisticLoss::Value(1e30, 1), 0);
  EXPECT_EQ(LogisticLoss::Gradient(1e30f, 0), 1);
  EXPECT_EQ(LogisticLoss::Gradient(-1e30f, 1), -1);
  EXPECT_NEAR(LogisticLoss::Gradient(1e30f, 1), 0, 1e-30);
  EXPECT_EQ(LogisticLoss::Link(1e30f), 1);
  EXPECT_NEAR(LogisticLoss::Link(-1e30f), 0, 1e-30);
}

TEST(LogisticLossTest, ZeroAndMinusOneAreNegative) {
  EXPECT_EQ(LogisticLoss::Value(0.3, 0), LogisticLoss::Value(0.3, -1));
  EXPECT_EQ(LogisticLoss::Gradient(0.3f, 0), LogisticLoss::Gradient(0.3f, -1));
}

TEST(SquaredLossTest, AgreesWithTheFormula) {
  EXPECT_EQ(SquaredLoss::Value(3, 1), 4);
  EXPECT_EQ(SquaredLoss::Gradient(3, 1), 4);
  EXPECT_EQ(SquaredLoss::Link(3), 3);
  for (double score = -5; score <= 5; score += 0.5) {
    ExpectGradientIsTheSlope<SquaredLoss>(score, 0.25f);
  }
}

}  // namespace
}  // namespace freshet
