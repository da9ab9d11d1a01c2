#include "client/command/metrics_text.h"

#include <cmath>
#include <optional>

#include "absl/strings/str_format.h"
#include "core/base/json_object.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

// Auc() and Calibration() take ProgressiveMetrics or WindowMetrics.
template <typename Metrics>
std::optional<double> Auc(const Metrics& metrics) {
  return metrics.has_auc() ? std::optional<double>(metrics.auc()) : std::nullopt;
}

template <typename Metrics>
std::optional<double> Calibration(const Metrics& metrics) {
  return metrics.has_calibration() ? std::optional<double>(metrics.calibration()) : std::nullopt;
}

void AddWindow(const v1::WindowMetrics& window, Table* table) {
  table->AddRow({"window", StrCat("the last ", GroupedCount(window.example_count()), " examples")});
  table->AddRow({"  mean loss", StrCat(Decimals(window.loss(), 5), "   base rate ",
                                       Decimals(window.base_rate_loss(), 5), ", ",
                                       GainText(window.relative_gain()))});
  if (window.has_auc()) table->AddRow({"  AUC", Decimals(Auc(window), 4)});
  if (window.has_calibration()) {
    table->AddRow({"  calibration", Decimals(Calibration(window), 4)});
  }
  table->AddRow({"  mean label", Decimals(window.label_mean(), 5)});
}

void AddErrors(const v1::ProgressiveMetrics& metrics, Table* table) {
  if (!metrics.has_mean_squared_error()) return;
  table->AddRow(
      {"mean squared error", ShortestNumber(static_cast<float>(metrics.mean_squared_error()))});
  table->AddRow(
      {"mean absolute error", ShortestNumber(static_cast<float>(metrics.mean_absolute_error()))});
  if (metrics.has_r_squared()) {
    table->AddRow({"R squared", StrCat(Decimals(metrics.r_squared(), 4),
                                       "   share of the labels' variance that is explained")});
  }
}

void AddDrift(const v1::ProgressiveMetrics& metrics, Table* table) {
  for (const v1::DriftAlarm& alarm : metrics.drift_alarms()) {
    const std::string subject = alarm.subject() == "label_rate" ? "label rate" : alarm.subject();
    const std::string level =
        StrCat("at ", Decimals(100 * alarm.level(), 0), " % of the alarm threshold");
    table->AddRow({StrCat("drift of ", subject),
                   alarm.count() == 0
                       ? StrCat("none, ", level)
                       : StrCat(GroupedCount(alarm.count()),
                                alarm.count() == 1 ? " alarm" : " alarms", ", the last at example ",
                                GroupedCount(alarm.last_example()), "; now ", level)});
  }
}

void AddReliability(const v1::ProgressiveMetrics& metrics, Table* table) {
  if (metrics.reliability_bins().empty()) return;
  constexpr char kLine[] = "%9s  %9s  %13s";
  table->AddRow({"reliability", absl::StrFormat(kLine, "predicted", "observed", "weight")});
  for (const v1::ReliabilityBin& bin : metrics.reliability_bins()) {
    table->AddRow(
        {absl::StrFormat("  %.2g to %.2g", bin.from(), bin.to()),
         absl::StrFormat(kLine, Decimals(bin.prediction_mean(), 5), Decimals(bin.label_mean(), 5),
                         GroupedCount(static_cast<uint64_t>(bin.weight_sum())))});
  }
}

}  // namespace

std::string GainText(double relative_gain) {
  return StrCat(Decimals(std::abs(relative_gain) * 100, 1), " % ",
                relative_gain < 0 ? "worse" : "better");
}

std::string LossText(double loss, double base_rate_loss, double relative_gain) {
  return StrCat(Decimals(loss, 5), " (base rate ", Decimals(base_rate_loss, 5), ", ",
                GainText(relative_gain), ")");
}

void AddMetrics(const v1::ProgressiveMetrics& metrics, Table* table) {
  if (metrics.example_count() == 0) {
    table->AddRow({"mean loss", "- (nothing learned yet)"});
    return;
  }
  table->AddRow({"mean loss", StrCat(Decimals(metrics.loss(), 5), "   base rate ",
                                     Decimals(metrics.base_rate_loss(), 5), ", ",
                                     GainText(metrics.relative_gain()))});
  table->AddRow(
      {"recent loss",
       StrCat(Decimals(metrics.decayed_loss(), 5), "   base rate ",
              Decimals(metrics.decayed_base_rate_loss(), 5), ", over about ",
              GroupedCount(static_cast<uint64_t>(metrics.decay_example_count())), " examples")});
  if (metrics.has_auc()) table->AddRow({"AUC", Decimals(Auc(metrics), 4)});
  table->AddRow({"calibration", StrCat(Decimals(Calibration(metrics), 4),
                                       "   predictions over labels; 1 is calibrated")});
  table->AddRow({"mean label", Decimals(metrics.label_mean(), 5)});
  AddErrors(metrics, table);
  if (metrics.skipped_count() > 0) {
    table->AddRow({"skipped", StrCat(GroupedCount(metrics.skipped_count()),
                                     "   not learned: the update would not have been finite")});
  }
  if (metrics.cut_count() > 0) {
    table->AddRow({"cut", StrCat(GroupedCount(metrics.cut_count()),
                                 "   learned without some of their derived features")});
  }
  // As long as the window holds all examples it would only repeat the figures above.
  if (metrics.window().example_count() < metrics.example_count()) {
    AddWindow(metrics.window(), table);
  }
  AddDrift(metrics, table);
  AddReliability(metrics, table);
}

}  // namespace freshet
