// Compares the closed forms of importance-aware steps with many small gradient steps.

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "core/loss/hinge.h"
#include "core/loss/logistic.h"
#include "core/loss/poisson.h"
#include "core/loss/quantile.h"
#include "core/loss/squared.h"
#include "gtest/gtest.h"
#include "tests/support/reference_loss.h"

namespace freshet {
namespace {

// Calls check(loss, reference, labels) for each loss.
template <typename Check>
void ForEveryLoss(const Check& check) {
  check(LogisticLoss(), ReferenceLoss{LossKind::kLogistic}, std::vector<float>{1, 0, -1});
  check(SquaredLoss(), ReferenceLoss{LossKind::kSquared}, std::vector<float>{-3, 0, 0.7f});
  check(HingeLoss(), ReferenceLoss{LossKind::kHinge}, std::vector<float>{1, 0, -1});
  check(PoissonLoss(), ReferenceLoss{LossKind::kPoisson}, std::vector<float>{0, 1, 9, 1e-9f});
  check(QuantileLoss(0.8), ReferenceLoss{LossKind::kQuantile, 0.8},
        std::vector<float>{-3, 0, 0.7f});
}

constexpr double kScores[] = {-3, -1, -0.2, 0, 0.7, 1, 2.5};
constexpr double kRates[] = {1e-9, 1e-3, 0.5, 3};
constexpr double kSensitivities[] = {1e-6, 1e-3, 0.4, 20};

TEST(ImportanceStepTest, IsTheLimitOfManySmallSteps) {
  ForEveryLoss([](const auto& loss, const ReferenceLoss& reference, const auto& labels) {
    for (const float label : labels) {
      for (const double score : kScores) {
        for (const double rate : kRates) {
          for (const double sensitivity : kSensitivities) {
            const double u = loss.ImportanceStep(score, label, rate, sensitivity);
            const double expected = reference.ImportanceStep(score, label, rate, sensitivity);
            EXPECT_NEAR(u, expected, 2e-6 * std::abs(expected) + 1e-15)
                << static_cast<int>(reference.kind) << " y " << label << " s " << score << " E "
                << rate << " P " << sensitivity;
          }
        }
      }
    }
  });
}

TEST(ImportanceStepTest, AnExampleOfWeightThreeEqualsOnesOfOneAndTwo) {
  ForEveryLoss([](const auto& loss, const ReferenceLoss&, const auto& labels) {
    for (const float label : labels) {
      for (const double score : kScores) {
        for (const double sensitivity : {1e-3, 0.4, 20.0}) {
          const double at_once = loss.ImportanceStep(score, label, 3 * 0.3, sensitivity);
          const double first = loss.ImportanceStep(score, label, 0.3, sensitivity);
          const double moved = score + sensitivity * first;
          const double second = loss.ImportanceStep(moved, label, 2 * 0.3, sensitivity);
          EXPECT_NEAR(first + second, at_once, 1e-6 * std::abs(at_once));
        }
      }
    }
  });
}

// How far a margin v moves when v + e^v grows by h, by bisection.
double MarginMove(double margin, double growth) {
  long double low = 0;
  long double high = growth;
  for (int i = 0; i < 400; ++i) {
    const long double middle = (low + high) / 2;
    (middle + std::exp(1.0L * margin) * std::expm1(middle) < growth ? low : high) = middle;
  }
  return static_cast<double>(low);
}

TEST(ImportanceStepTest, OfLogisticLossIsExactWhereverItStarts) {
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> uniform(0, 1);
  for (int i = 0; i < 20'000; ++i) {
    // By turns from the whole possible range and from the usual range.
    const bool is_usual = i % 2 == 0;
    const double margin = (uniform(random) - 0.5) * (is_usual ? 20 : 100);
    const double growth = std::exp((uniform(random) - 0.5) * (is_usual ? 16 : 130));
    if (growth < kMinImportance) continue;
    const float label = i % 3 == 0 ? 1.0f : 0.0f;
    const double sign = label > 0 ? 1 : -1;
    const double sensitivity = 0.25;
    const double u =
        LogisticLoss::ImportanceStep(sign * margin, label, growth / sensitivity, sensitivity);
    const double expected = MarginMove(margin, growth);
    EXPECT_NEAR(sign * u * sensitivity, expected, 2e-7 * expected)
        << "from " << margin << " by " << growth;
  }
}

TEST(ImportanceStepTest, NeverOvershoots) {
  for (const double score : kScores) {
    const double squared = SquaredLoss::ImportanceStep(score, 0.5f, 1e6, 5) * 5;
    EXPECT_NEAR(score + squared, 0.5, 1e-12);
    const double hinge = HingeLoss::ImportanceStep(score, 1, 1e6, 5) * 5;
    EXPECT_NEAR(score + hinge, std::max(score, 1.0), 1e-12);
    const double poisson = PoissonLoss::ImportanceStep(score, 4, 1e6, 5) * 5;
    EXPECT_NEAR(score + poisson, std::log(4), 1e-12);
    const double quantile = QuantileLoss(0.1).ImportanceStep(score, 0.5f, 1e6, 5) * 5;
    EXPECT_NEAR(score + quantile, 0.5, 1e-12);
  }
}

TEST(ImportanceStepTest, IsFiniteAtTheEdges) {
  ForEveryLoss([](const auto& loss, const ReferenceLoss&, const auto& labels) {
    const double limit = std::isfinite(loss.kScoreLimit) ? loss.kScoreLimit : 1e12;
    std::vector<float> edges(labels);
    if (!std::isfinite(loss.kScoreLimit)) edges.insert(edges.end(), {1e12f, -1e12f});
    for (const float label : edges) {
      for (const double score : {-limit, -1.0, 0.0, 1e-30, limit}) {
        for (const double rate : {0.0, 1e-300, 1.0, 1e41}) {
          for (const double sensitivity : {0.0, 1e-40, 1.0, 1e30}) {
            EXPECT_TRUE(std::isfinite(loss.ImportanceStep(score, label, rate, sensitivity)))
                << label << " " << score << " " << rate << " " << sensitivity;
          }
        }
      }
    }
  });
}

}  // namespace
}  // namespace freshet
