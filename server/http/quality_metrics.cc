#include "server/http/quality_metrics.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "server/file/resource_id.h"
#include "server/http/metric_family.h"

namespace freshet {
namespace {

using prometheus::MetricType;
using Value = std::optional<double>;

// A figure of one variant.
struct Figure {
  const char* name;
  MetricType type;
  const char* help;
  Value (*value)(const v1::ProgressiveMetrics& metrics);
};

// A figure that a variant has several of, distinguished by a label.
template <typename Part>
struct PartFigure {
  const char* name;
  MetricType type;
  const char* help;
  double (*value)(const Part& part);
};

bool HasWindow(const v1::ProgressiveMetrics& metrics) {
  return metrics.window().example_count() > 0;
}

// A figure of the window; none before the first example.
template <double (v1::WindowMetrics::*kField)() const>
Value OfWindow(const v1::ProgressiveMetrics& metrics) {
  if (!HasWindow(metrics)) return std::nullopt;
  return (metrics.window().*kField)();
}

constexpr Figure kFigures[] = {
    {"freshet_variant_relative_gain_ratio", MetricType::Gauge,
     "1 - loss / base rate loss: 0 is no better than the base rate, 1 is perfect.",
     [](const v1::ProgressiveMetrics& m) -> Value {
       return m.example_count() > 0 ? Value(m.relative_gain()) : std::nullopt;
     }},
    {"freshet_variant_window_examples", MetricType::Gauge,
     "Number of newest examples that the window covers, 100000 to 200000 once there are enough.",
     [](const v1::ProgressiveMetrics& m) -> Value { return m.window().example_count(); }},
    {"freshet_variant_window_loss", MetricType::Gauge, "The progressive loss over the window.",
     OfWindow<&v1::WindowMetrics::loss>},
    {"freshet_variant_window_base_rate_loss", MetricType::Gauge,
     "The base rate's loss over the window.", OfWindow<&v1::WindowMetrics::base_rate_loss>},
    {"freshet_variant_window_relative_gain_ratio", MetricType::Gauge,
     "1 - loss / base rate loss, over the window.", OfWindow<&v1::WindowMetrics::relative_gain>},
    {"freshet_variant_window_auc", MetricType::Gauge,
     "Area under the ROC curve over the window, 0 to 1; only for classification losses.",
     [](const v1::ProgressiveMetrics& m) {
       return m.window().has_auc() ? Value(m.window().auc()) : std::nullopt;
     }},
    {"freshet_variant_window_calibration_ratio", MetricType::Gauge,
     "The sum of predictions over the sum of labels, over the window; 1 is calibrated.",
     [](const v1::ProgressiveMetrics& m) {
       return m.window().has_calibration() ? Value(m.window().calibration()) : std::nullopt;
     }},
    {"freshet_variant_window_label_mean", MetricType::Gauge, "The mean label over the window.",
     OfWindow<&v1::WindowMetrics::label_mean>},
    {"freshet_variant_mean_squared_error", MetricType::Gauge,
     "The mean of (prediction - label)^2; only for regression losses.",
     [](const v1::ProgressiveMetrics& m) {
       return m.has_mean_squared_error() ? Value(m.mean_squared_error()) : std::nullopt;
     }},
    {"freshet_variant_mean_absolute_error", MetricType::Gauge,
     "The mean of |prediction - label|; only for regression losses.",
     [](const v1::ProgressiveMetrics& m) {
       return m.has_mean_absolute_error() ? Value(m.mean_absolute_error()) : std::nullopt;
     }},
    {"freshet_variant_r_squared", MetricType::Gauge,
     "1 - mean squared error / variance of the labels; only for regression losses.",
     [](const v1::ProgressiveMetrics& m) {
       return m.has_r_squared() ? Value(m.r_squared()) : std::nullopt;
     }},
};

constexpr PartFigure<v1::DriftAlarm> kDriftFigures[] = {
    {"freshet_variant_drift_alarms_total", MetricType::Counter,
     "How often the mean of the subject was found to have changed.",
     [](const v1::DriftAlarm& alarm) { return static_cast<double>(alarm.count()); }},
    {"freshet_variant_drift_level_ratio", MetricType::Gauge,
     "How close the subject is to an alarm: 0 far, 1 at the threshold.",
     [](const v1::DriftAlarm& alarm) { return alarm.level(); }},
};

constexpr PartFigure<v1::ReliabilityBin> kBinFigures[] = {
    {"freshet_variant_reliability_weight", MetricType::Gauge,
     "The total weight of the bin's examples, whose predictions were from `from` up to the next "
     "bin.",
     [](const v1::ReliabilityBin& bin) { return bin.weight_sum(); }},
    {"freshet_variant_reliability_prediction_mean", MetricType::Gauge,
     "The mean prediction of the bin's examples.",
     [](const v1::ReliabilityBin& bin) { return bin.prediction_mean(); }},
    {"freshet_variant_reliability_label_mean", MetricType::Gauge,
     "The mean label of the bin's examples; equals the mean prediction if predictions are "
     "calibrated.",
     [](const v1::ReliabilityBin& bin) { return bin.label_mean(); }},
};

// Calls add(variant, labels) for each variant of each model.
template <typename Add>
void ForEachVariant(std::span<const ModelSample> samples, const Add& add) {
  for (const ModelSample& sample : samples) {
    for (const v1::Variant& variant : sample.model->variants()) {
      const std::string& name = variant.name();
      add(variant.metrics(),
          MetricLabels{{"model", sample.id}, {"variant", std::string(LastId(name))}});
    }
  }
}

MetricLabels With(MetricLabels labels, std::string name, std::string value) {
  labels.push_back({std::move(name), std::move(value)});
  return labels;
}

}  // namespace

void AddQualityMetrics(std::span<const ModelSample> samples,
                       std::vector<prometheus::MetricFamily>& page) {
  for (const Figure& figure : kFigures) {
    prometheus::MetricFamily family = MakeFamily(figure.name, figure.type, figure.help);
    ForEachVariant(samples, [&](const v1::ProgressiveMetrics& metrics, MetricLabels labels) {
      if (const Value value = figure.value(metrics)) AddValue(family, std::move(labels), *value);
    });
    AddFamily(page, std::move(family));
  }
  for (const auto& figure : kDriftFigures) {
    prometheus::MetricFamily family = MakeFamily(figure.name, figure.type, figure.help);
    ForEachVariant(samples, [&](const v1::ProgressiveMetrics& metrics, const MetricLabels& labels) {
      for (const v1::DriftAlarm& alarm : metrics.drift_alarms()) {
        AddValue(family, With(labels, "subject", alarm.subject()), figure.value(alarm));
      }
    });
    AddFamily(page, std::move(family));
  }
  for (const auto& figure : kBinFigures) {
    prometheus::MetricFamily family = MakeFamily(figure.name, figure.type, figure.help);
    ForEachVariant(samples, [&](const v1::ProgressiveMetrics& metrics, const MetricLabels& labels) {
      for (const v1::ReliabilityBin& bin : metrics.reliability_bins()) {
        AddValue(family, With(labels, "from", absl::StrFormat("%.2g", bin.from())),
                 figure.value(bin));
      }
    });
    AddFamily(page, std::move(family));
  }
}

}  // namespace freshet
