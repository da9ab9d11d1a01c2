#include "server/http/label_metrics.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "server/http/metric_family.h"

namespace freshet {
namespace {

using prometheus::MetricType;

struct LabelGauge {
  const char* name;
  const char* help;
  std::optional<double> (*value)(const ModelSample& sample);
};

// One of several ends that are counted.
struct CountedEnd {
  const char* result;
  uint64_t (*count)(const ModelSample& sample);
};

const v1::LabelFigures& LabelsOf(const ModelSample& sample) { return sample.model->labels(); }

template <uint64_t (v1::LabelFigures::*kField)() const>
uint64_t OfLabels(const ModelSample& sample) {
  return (LabelsOf(sample).*kField)();
}

double OldestPendingSeconds(const ModelSample& sample) {
  const int64_t time_ms = LabelsOf(sample).oldest_pending_time_ms();
  if (time_ms == 0) return 0;
  return std::max(0.0, absl::ToDoubleSeconds(sample.time - absl::FromUnixMillis(time_ms)));
}

constexpr LabelGauge kLabelGauges[] = {
    {"freshet_model_pending_events", "Events that wait for their label.",
     [](const ModelSample& s) -> std::optional<double> { return LabelsOf(s).pending_count(); }},
    {"freshet_model_pending_event_bytes",
     "Size of the log's records with events that wait, in bytes.",
     [](const ModelSample& s) -> std::optional<double> { return LabelsOf(s).pending_bytes(); }},
    {"freshet_model_oldest_pending_event_seconds",
     "Age of the oldest event that waits, by the time that it carries, in seconds; 0 if none "
     "waits.",
     [](const ModelSample& s) -> std::optional<double> { return OldestPendingSeconds(s); }},
    {"freshet_model_label_wait_seconds",
     "How long an event waits for its label by the model's rule, in seconds.",
     [](const ModelSample& s) -> std::optional<double> {
       return static_cast<double>(s.model->label_rule().wait_ms()) / 1000;
     }},
    {"freshet_model_held_feedback", "Feedback that waits for its event.",
     [](const ModelSample& s) -> std::optional<double> { return LabelsOf(s).held_count(); }},
    {"freshet_model_label_join_fault",
     "1 while events cannot be joined with their feedback, so that they wait; else 0.",
     [](const ModelSample& s) -> std::optional<double> {
       return LabelsOf(s).join_fault().empty() ? 0 : 1;
     }},
    {"freshet_model_served_loss",
     "The mean loss of the scores that were given out by predictions that were logged, against "
     "their final labels.",
     [](const ModelSample& s) {
       const v1::LabelFigures& labels = LabelsOf(s);
       return labels.has_served_loss() ? std::optional<double>(labels.served_loss()) : std::nullopt;
     }},
    {"freshet_model_served_base_rate_loss",
     "The mean loss, over the same events, of always predicting their mean label.",
     [](const ModelSample& s) {
       const v1::LabelFigures& labels = LabelsOf(s);
       return labels.has_served_base_rate_loss()
                  ? std::optional<double>(labels.served_base_rate_loss())
                  : std::nullopt;
     }},
};

constexpr CountedEnd kEventEnds[] = {
    {"matched", OfLabels<&v1::LabelFigures::matched_count>},
    {"defaulted", OfLabels<&v1::LabelFigures::defaulted_count>},
    {"dropped", OfLabels<&v1::LabelFigures::dropped_count>},
    {"corrected", OfLabels<&v1::LabelFigures::corrected_count>},
    {"refused", OfLabels<&v1::LabelFigures::refused_count>},
    {"duplicate", OfLabels<&v1::LabelFigures::duplicate_event_count>},
    {"unlogged", [](const ModelSample& s) { return s.batches->unlogged_events(); }},
};

constexpr CountedEnd kFeedbackEnds[] = {
    {"late", OfLabels<&v1::LabelFigures::late_count>},
    {"unmatched", OfLabels<&v1::LabelFigures::unmatched_count>},
    {"duplicate", OfLabels<&v1::LabelFigures::duplicate_count>},
    {"expired", OfLabels<&v1::LabelFigures::expired_count>},
    {"ignored", OfLabels<&v1::LabelFigures::ignored_count>},
};

// Calls `add` with the samples of models that have a rule.
template <typename Add>
void ForEachWithLabels(std::span<const ModelSample> samples, const Add& add) {
  for (const ModelSample& sample : samples) {
    if (sample.model->has_labels()) add(sample);
  }
}

prometheus::MetricFamily EndFamily(std::span<const ModelSample> samples,
                                   std::span<const CountedEnd> ends, const char* name,
                                   const char* help) {
  prometheus::MetricFamily family = MakeFamily(name, MetricType::Counter, help);
  ForEachWithLabels(samples, [&](const ModelSample& sample) {
    for (const CountedEnd& end : ends) {
      AddValue(family, {{"model", sample.id}, {"result", end.result}},
               static_cast<double>(end.count(sample)));
    }
  });
  return family;
}

// The delays as a histogram. The model knows no sum, so each delay counts as the middle of its bin.
prometheus::MetricFamily DelayFamily(std::span<const ModelSample> samples) {
  prometheus::MetricFamily family =
      MakeFamily("freshet_model_feedback_delay_seconds", MetricType::Histogram,
                 "How long feedback that counts came after its event, in seconds; the sum is "
                 "estimated from the buckets.");
  ForEachWithLabels(samples, [&](const ModelSample& sample) {
    prometheus::ClientMetric& metric = family.metric.emplace_back();
    metric.label = {{"model", sample.id}};
    uint64_t count = 0;
    double sum = 0;
    double from = 0;
    for (const v1::DelayBin& bin : LabelsOf(sample).delays()) {
      count += bin.count();
      const bool is_bounded = bin.to_ms() != std::numeric_limits<uint64_t>::max();
      const double to = is_bounded ? static_cast<double>(bin.to_ms()) / 1000 : from;
      sum += static_cast<double>(bin.count()) * (from + to) / 2;
      if (is_bounded) metric.histogram.bucket.push_back({count, to});
      from = to;
    }
    metric.histogram.sample_count = count;
    metric.histogram.sample_sum = sum;
    metric.histogram.bucket.push_back({count, std::numeric_limits<double>::infinity()});
  });
  return family;
}

}  // namespace

void AddLabelMetrics(std::span<const ModelSample> samples,
                     std::vector<prometheus::MetricFamily>& page) {
  for (const LabelGauge& gauge : kLabelGauges) {
    prometheus::MetricFamily family = MakeFamily(gauge.name, MetricType::Gauge, gauge.help);
    ForEachWithLabels(samples, [&](const ModelSample& sample) {
      if (const std::optional<double> value = gauge.value(sample)) {
        AddValue(family, {{"model", sample.id}}, *value);
      }
    });
    AddFamily(page, std::move(family));
  }
  AddFamily(page, EndFamily(samples, kEventEnds, "freshet_model_events_total",
                            "Events by what became of them. Since the model was created; refused "
                            "and unlogged ones since the server started. An event that was "
                            "corrected was counted before as matched or defaulted."));
  AddFamily(page, EndFamily(samples, kFeedbackEnds, "freshet_model_feedback_total",
                            "Feedback that did not decide a label, by the reason, since the model "
                            "was created."));
  AddFamily(page, DelayFamily(samples));
}

}  // namespace freshet
