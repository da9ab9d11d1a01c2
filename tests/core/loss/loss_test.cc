#include <cmath>

#include "core/loss/hinge.h"
#include "core/loss/logistic.h"
#include "core/loss/poisson.h"
#include "core/loss/quantile.h"
#include "core/loss/squared.h"
#include "gtest/gtest.h"

namespace freshet {
namespace {

template <typename Loss>
void ExpectGradientIsTheSlope(double score, float label, const Loss& loss = {}) {
  constexpr double kStep = 1e-4;
  const double slope =
      (loss.Value(score + kStep, label) - loss.Value(score - kStep, label)) / (2 * kStep);
  EXPECT_NEAR(loss.Gradient(static_cast<float>(score), label), slope, 1e-6 * (1 + std::abs(slope)))
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

TEST(HingeLossTest, AgreesWithTheFormula) {
  EXPECT_EQ(HingeLoss::Value(0.25, 1), 0.75);
  EXPECT_EQ(HingeLoss::Value(0.25, 0), 1.25);
  EXPECT_EQ(HingeLoss::Value(0.25, -1), 1.25);
  EXPECT_EQ(HingeLoss::Value(3, 1), 0);
  EXPECT_EQ(HingeLoss::Gradient(1, 1), 0);
  EXPECT_EQ(HingeLoss::Gradient(-1, 0), 0);
  EXPECT_EQ(HingeLoss::Link(-2.5f), -2.5f);
  for (double score = -3.03; score <= 3; score += 0.3) {
    for (const float label : {-1.0f, 0.0f, 1.0f}) {
      ExpectGradientIsTheSlope<HingeLoss>(score, label);
    }
  }
}

TEST(PoissonLossTest, IsHalfTheDeviance) {
  EXPECT_NEAR(PoissonLoss::Value(0.5, 0), std::exp(0.5), 1e-12);
  EXPECT_NEAR(PoissonLoss::Value(0.5, 3), 3 * std::log(3 / std::exp(0.5)) - 3 + std::exp(0.5),
              1e-12);
  EXPECT_NEAR(PoissonLoss::Value(std::log(7.0), 7), 0, 1e-12);
  EXPECT_NEAR(PoissonLoss::Link(2), std::exp(2.0), 1e-6);
  for (double score = -5; score <= 5; score += 0.37) {
    for (const float label : {0.0f, 1.0f, 2.5f, 40.0f}) {
      ExpectGradientIsTheSlope<PoissonLoss>(score, label);
      EXPECT_GE(PoissonLoss::Value(score, label), 0);
    }
  }
}

TEST(PoissonLossTest, IsFiniteFarOut) {
  for (const float score : {-1e30f, -100.0f, 100.0f, 1e30f}) {
    for (const float label : {0.0f, 1e-40f, 3.0f, 1e12f}) {
      EXPECT_TRUE(std::isfinite(PoissonLoss::Value(score, label)));
      EXPECT_TRUE(std::isfinite(PoissonLoss::Gradient(score, label)));
      EXPECT_TRUE(std::isfinite(PoissonLoss::Link(score)));
    }
  }
}

TEST(QuantileLossTest, AgreesWithTheFormula) {
  const QuantileLoss loss(0.75);
  EXPECT_EQ(loss.Value(1, 3), 1.5);
  EXPECT_EQ(loss.Value(3, 1), 0.5);
  EXPECT_EQ(loss.Value(1, 1), 0);
  EXPECT_EQ(loss.Gradient(1, 1), 0);
  for (double score = -5; score <= 5; score += 0.5) {
    ExpectGradientIsTheSlope(score, 0.25f, loss);
  }
}

// The mean loss is least at the value that a share tau of the labels is below.
TEST(QuantileLossTest, TheQuantileMinimisesIt) {
  const QuantileLoss loss(0.9);
  const auto mean_loss = [&](double score) {
    double sum = 0;
    for (int label = 0; label < 100; ++label) sum += loss.Value(score, static_cast<float>(label));
    return sum;
  };
  EXPECT_LT(mean_loss(89.5), mean_loss(85));
  EXPECT_LT(mean_loss(89.5), mean_loss(94));
}

}  // namespace
}  // namespace freshet
