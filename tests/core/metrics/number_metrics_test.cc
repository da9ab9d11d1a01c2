#include "core/metrics/number_metrics.h"

#include <cmath>
#include <random>

#include "gtest/gtest.h"

namespace freshet {
namespace {

void Add(double prediction, double label, double weight, NumberMetrics& metrics) {
  ExampleBlock block;
  block.size = 1;
  block.predictions[0] = prediction;
  block.labels[0] = label;
  block.weights[0] = weight;
  metrics.Add(block, block.predictions);
}

TEST(NumberMetricsTest, AreThoseOfTheDefinitionsHoweverFarLabelsAreFromZero) {
  for (const double offset : {0.0, -3.0, 1e9}) {
    NumberMetrics metrics;
    std::mt19937 random(2);
    std::normal_distribution<double> normal;
    double weight = 0, square = 0, absolute = 0, sum = 0, label_square = 0;
    for (int i = 0; i < 5000; ++i) {
      const double label = normal(random);
      const double error = 0.5 * normal(random);
      const double w = 1 + random() % 3;
      Add(offset + label + error, offset + label, w, metrics);
      weight += w;
      square += w * error * error;
      absolute += w * std::abs(error);
      sum += w * label;
      label_square += w * label * label;
    }
    const double variance = label_square / weight - std::pow(sum / weight, 2);
    EXPECT_NEAR(metrics.MeanSquaredError().value(), square / weight, 1e-6);
    EXPECT_NEAR(metrics.MeanAbsoluteError().value(), absolute / weight, 1e-6);
    EXPECT_NEAR(metrics.RSquared().value(), 1 - square / weight / variance, 1e-6);
  }
}

TEST(NumberMetricsTest, AreAbsentWhereTheyMeanNothing) {
  NumberMetrics metrics;
  EXPECT_FALSE(metrics.MeanSquaredError().has_value());
  EXPECT_FALSE(metrics.MeanAbsoluteError().has_value());
  EXPECT_FALSE(metrics.RSquared().has_value());
  Add(1, 4, 1, metrics);
  Add(2, 4, 1, metrics);
  EXPECT_EQ(metrics.MeanSquaredError(), 6.5);
  EXPECT_EQ(metrics.MeanAbsoluteError(), 2.5);
  EXPECT_FALSE(metrics.RSquared().has_value());  // All labels are the same.
}

TEST(NumberMetricsTest, TheMeanLabelHasAnRSquaredOfZeroAndNonsenseLess) {
  NumberMetrics mean;
  NumberMetrics nonsense;
  for (const double label : {1.0, 3.0}) {
    Add(2, label, 1, mean);
    Add(-label, label, 1, nonsense);
  }
  EXPECT_EQ(mean.RSquared(), 0);
  EXPECT_LT(nonsense.RSquared().value(), -1);
}

}  // namespace
}  // namespace freshet
