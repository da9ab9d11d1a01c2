#include "client/command/metrics_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace freshet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string TextOf(const v1::ProgressiveMetrics& metrics) {
  Table table({{""}, {""}});
  AddMetrics(metrics, &table);
  return table.ToString();
}

v1::ProgressiveMetrics Learned() {
  v1::ProgressiveMetrics metrics;
  metrics.set_example_count(812'000);
  metrics.set_loss(0.4);
  metrics.set_base_rate_loss(0.5);
  metrics.set_relative_gain(0.2);
  metrics.mutable_window()->set_example_count(812'000);
  return metrics;
}

TEST(MetricsTextTest, SaysWhetherTheStreamHasChanged) {
  v1::ProgressiveMetrics metrics = Learned();
  v1::DriftAlarm& loss = *metrics.add_drift_alarms();
  loss.set_subject("loss");
  loss.set_count(2);
  loss.set_last_example(501'250);
  loss.set_level(0.03);
  v1::DriftAlarm& rate = *metrics.add_drift_alarms();
  rate.set_subject("label_rate");
  rate.set_level(0.123);
  const std::string text = TextOf(metrics);
  EXPECT_THAT(text, HasSubstr("drift of loss        2 alarms, the last at example 501,250; now at "
                              "3 % of the alarm threshold\n"));
  EXPECT_THAT(text, HasSubstr("drift of label rate  none, at 12 % of the alarm threshold\n"));
}

TEST(MetricsTextTest, PutsPredictionsBesideWhatCame) {
  v1::ProgressiveMetrics metrics = Learned();
  v1::ReliabilityBin& bin = *metrics.add_reliability_bins();
  bin.set_from(0.0502);
  bin.set_to(0.0996);
  bin.set_prediction_mean(0.0712);
  bin.set_label_mean(0.07301);
  bin.set_weight_sum(12345);
  const std::string text = TextOf(metrics);
  EXPECT_THAT(text, HasSubstr("reliability    predicted   observed         weight\n"));
  EXPECT_THAT(text, HasSubstr("  0.05 to 0.1    0.07120    0.07301         12,345\n"));
}

TEST(MetricsTextTest, ShowsTheWindowOnceItForgets) {
  v1::ProgressiveMetrics metrics = Learned();
  EXPECT_THAT(TextOf(metrics), Not(HasSubstr("window")));
  v1::WindowMetrics& window = *metrics.mutable_window();
  window.set_example_count(112'000);
  window.set_loss(0.3);
  window.set_base_rate_loss(0.4);
  window.set_relative_gain(0.25);
  window.set_auc(0.75);
  const std::string text = TextOf(metrics);
  EXPECT_THAT(text, HasSubstr("window        the last 112,000 examples\n"));
  EXPECT_THAT(text, HasSubstr("  mean loss   0.30000   base rate 0.40000, 25.0 % better\n"));
  EXPECT_THAT(text, HasSubstr("  AUC         0.7500\n"));
}

TEST(MetricsTextTest, LossesOfNumbersHaveErrors) {
  EXPECT_THAT(TextOf(Learned()), Not(HasSubstr("error")));
  v1::ProgressiveMetrics metrics = Learned();
  metrics.set_mean_squared_error(6.25);
  metrics.set_mean_absolute_error(2);
  metrics.set_r_squared(0.5);
  const std::string text = TextOf(metrics);
  EXPECT_THAT(text, HasSubstr("mean squared error   6.25\n"));
  EXPECT_THAT(text, HasSubstr("mean absolute error  2\n"));
  EXPECT_THAT(text, HasSubstr("R squared            0.5000"));
}

}  // namespace
}  // namespace freshet
