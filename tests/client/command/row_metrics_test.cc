#include "client/command/row_metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace freshet {
namespace {

constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

double LogLoss(double score) { return std::log1p(std::exp(-score)); }

v1::LearnerSpec Logistic() {
  v1::LearnerSpec learner;
  learner.set_loss(v1::LOSS_LOGISTIC);
  return learner;
}

TEST(RowMetricsTest, CountsRowsByTheirWeightsAndLeavesOutThoseWithoutAScore) {
  RowMetrics metrics(Logistic());
  const std::vector<float> scores = {1, kNone, -2, kNone};
  metrics.Add(scores, std::vector<float>{1, 1, 0, 1}, std::vector<float>{2, 9, 1, 9});
  const ProgressiveFigures figures = metrics.Figures();
  EXPECT_EQ(figures.example_count, 2U);
  EXPECT_EQ(figures.weight_sum, 3);
  EXPECT_NEAR(figures.loss, (2 * LogLoss(1) + LogLoss(2)) / 3, 1e-6);
  EXPECT_NEAR(figures.label_mean, 2.0 / 3, 1e-9);
  EXPECT_EQ(figures.auc, 1);
}

// The server returns scores that are corrected for the negatives that were dropped.
TEST(RowMetricsTest, TakesScoresAsTheServerReturnsThem) {
  v1::LearnerSpec learner = Logistic();
  learner.set_negative_sampling_rate(0.1);
  RowMetrics metrics(learner);
  metrics.Add(std::vector<float>{1, -2}, std::vector<float>{1, 0}, {});
  EXPECT_NEAR(metrics.Figures().loss, (LogLoss(1) + 10 * LogLoss(2)) / 11, 1e-5);
}

TEST(RowMetricsTest, OtherLosses) {
  v1::LearnerSpec squared;
  squared.set_loss(v1::LOSS_SQUARED);
  RowMetrics metrics(squared);
  metrics.Add(std::vector<float>{1, 3}, std::vector<float>{2, 5}, {});
  EXPECT_NEAR(metrics.Figures().loss, 2.5, 1e-6);
  EXPECT_NEAR(metrics.Figures().base_rate_loss, 2.25, 1e-6);
  EXPECT_FALSE(metrics.Figures().auc.has_value());
}

TEST(PushMetricsTest, ScoresBelongToTheRowsInTheirOrder) {
  PushMetrics metrics(Logistic());
  ExampleBatchBuilder rows;
  for (const float label : {1.0f, 0.0f, 1.0f}) {
    rows.BeginRow(label, label + 1);
    rows.EndRow();
  }
  metrics.Expect(rows.View());
  metrics.Expect(rows.View());
  metrics.Take(std::vector<float>{1});
  metrics.Take(std::vector<float>{-1, kNone, 3});
  EXPECT_EQ(metrics.Figures().example_count, 3U);
  EXPECT_NEAR(metrics.Figures().loss, (2 * LogLoss(1) + LogLoss(1) + 2 * LogLoss(3)) / 5, 1e-6);
}

}  // namespace
}  // namespace freshet
