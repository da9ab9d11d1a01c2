#include "server/http/model_metrics.h"

#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "server/file/resource_id.h"
#include "server/http/label_metrics.h"
#include "server/http/metric_family.h"
#include "server/http/quality_metrics.h"

namespace freshet {
namespace {

using prometheus::MetricType;

struct ModelMetric {
  const char* name;
  MetricType type;
  const char* help;
  std::optional<double> (*value)(const ModelSample& sample);
};

struct VariantMetric {
  const char* name;
  MetricType type;
  const char* help;
  std::optional<double> (*value)(const v1::Variant& variant);
};

bool HasLog(const ModelSample& sample) { return sample.model->durability() != v1::DURABILITY_NONE; }

// A figure of the log; none for a model without a log.
template <uint64_t (v1::Storage::*kField)() const>
std::optional<double> OfLog(const ModelSample& sample) {
  if (!HasLog(sample)) return std::nullopt;
  return (sample.model->storage().*kField)();
}

// A figure of the learned examples; none before the first one.
template <double (v1::ProgressiveMetrics::*kField)() const>
std::optional<double> OfExamples(const v1::Variant& variant) {
  if (variant.metrics().example_count() == 0) return std::nullopt;
  return (variant.metrics().*kField)();
}

using Value = std::optional<double>;

constexpr ModelMetric kModelMetrics[] = {
    {"freshet_model_examples_total", MetricType::Counter,
     "Examples learned since the model was created; goes back when a snapshot is restored.",
     [](const ModelSample& s) -> Value { return s.model->example_count(); }},
    {"freshet_model_queued_examples", MetricType::Gauge,
     "Examples accepted and not yet acknowledged.",
     [](const ModelSample& s) -> Value { return s.model->queued_example_count(); }},
    {"freshet_model_accepted_offset", MetricType::Gauge,
     "All records below this offset are accepted.",
     [](const ModelSample& s) -> Value { return s.counters.accepted_offset; }},
    {"freshet_model_applied_offset", MetricType::Gauge,
     "All records below this offset are learned; answers name this offset.",
     [](const ModelSample& s) -> Value { return s.model->offset(); }},
    {"freshet_model_logged_offset", MetricType::Gauge,
     "All records below this offset are logged as the model's durability requires.",
     OfLog<&v1::Storage::logged_offset>},
    {"freshet_model_snapshot_offset", MetricType::Gauge,
     "The offset of the newest snapshot that recovery can begin from; 0 if there is none.",
     [](const ModelSample& s) -> Value { return s.model->storage().snapshot_offset(); }},
    {"freshet_model_log_first_offset", MetricType::Gauge,
     "The offset of the oldest record that the log keeps.", OfLog<&v1::Storage::log_first_offset>},
    {"freshet_model_log_bytes", MetricType::Gauge, "Size of the log's files, in bytes.",
     OfLog<&v1::Storage::log_bytes>},
    {"freshet_model_log_fault", MetricType::Gauge,
     "1 while the log cannot be written, so that the model does not learn; else 0.",
     [](const ModelSample& s) -> Value {
       return HasLog(s) ? Value(s.counters.log_fault ? 1 : 0) : std::nullopt;
     }},
    {"freshet_model_snapshots", MetricType::Gauge, "Number of snapshots on disk.",
     [](const ModelSample& s) -> Value { return s.model->storage().snapshot_count(); }},
    {"freshet_model_snapshot_bytes", MetricType::Gauge, "Size of the snapshots' files, in bytes.",
     [](const ModelSample& s) -> Value { return s.model->storage().snapshot_bytes(); }},
    {"freshet_model_snapshot_pause_seconds", MetricType::Gauge,
     "How long learning paused for the last snapshot since the server started, in seconds; 0 if "
     "there was none.",
     [](const ModelSample& s) -> Value { return s.model->storage().last_pause_ms() / 1000; }},
    {"freshet_model_duplicate_batches_total", MetricType::Counter,
     "Batches acknowledged that had been learned before, since the server started.",
     [](const ModelSample& s) -> Value { return s.batches->duplicates(); }},
    {"freshet_model_producers", MetricType::Gauge,
     "Producers that the model remembers, at most limits.max_producers.",
     [](const ModelSample& s) -> Value { return s.counters.known_producers; }},
    {"freshet_model_forgotten_producers_total", MetricType::Counter,
     "Producers that the model has forgotten since it was created, whose later batches are "
     "refused.",
     [](const ModelSample& s) -> Value { return s.counters.forgotten_producers; }},
    {"freshet_model_predictions_total", MetricType::Counter,
     "Rows predicted by the champion since the server started or a snapshot was restored.",
     [](const ModelSample& s) -> Value { return s.predictions->rows.load(); }},
    {"freshet_model_unlearned_predictions_total", MetricType::Counter,
     "Rows predicted although the champion has no weight for more than half of their features.",
     [](const ModelSample& s) -> Value { return s.predictions->unlearned_rows.load(); }},
    {"freshet_model_prediction_p50_seconds", MetricType::Gauge,
     "The median duration of a call to predict, accurate to 30 %; 0 if there was none.",
     [](const ModelSample& s) -> Value {
       return absl::ToDoubleSeconds(s.predictions->calls.Read().Quantile(0.5));
     }},
    {"freshet_model_prediction_p99_seconds", MetricType::Gauge,
     "The 99th percentile of the duration of a call to predict, accurate to 30 %.",
     [](const ModelSample& s) -> Value {
       return absl::ToDoubleSeconds(s.predictions->calls.Read().Quantile(0.99));
     }},
    {"freshet_model_bad_examples_total", MetricType::Counter,
     "Bad examples since the server started; each had its batch refused.",
     [](const ModelSample& s) -> Value { return s.batches->bad_rows(); }},
};

constexpr VariantMetric kVariantMetrics[] = {
    {"freshet_variant_progressive_loss", MetricType::Gauge,
     "The mean loss of predictions made just before learning from each example.",
     OfExamples<&v1::ProgressiveMetrics::loss>},
    {"freshet_variant_decayed_loss", MetricType::Gauge,
     "The progressive loss over about the last 10000 examples, with exponentially decaying weight.",
     OfExamples<&v1::ProgressiveMetrics::decayed_loss>},
    {"freshet_variant_base_rate_loss", MetricType::Gauge,
     "The mean loss, over the same examples, of always predicting their mean label.",
     OfExamples<&v1::ProgressiveMetrics::base_rate_loss>},
    {"freshet_variant_decayed_base_rate_loss", MetricType::Gauge,
     "The base rate's loss over about the last 10000 examples, with exponentially decaying weight.",
     OfExamples<&v1::ProgressiveMetrics::decayed_base_rate_loss>},
    {"freshet_variant_auc", MetricType::Gauge,
     "Area under the ROC curve, 0 to 1; logistic loss only, once both labels have been seen.",
     [](const v1::Variant& v) {
       return v.metrics().has_auc() ? Value(v.metrics().auc()) : std::nullopt;
     }},
    {"freshet_variant_calibration_ratio", MetricType::Gauge,
     "The sum of predictions over the sum of labels; 1 is calibrated.",
     [](const v1::Variant& v) {
       return v.metrics().has_calibration() ? Value(v.metrics().calibration()) : std::nullopt;
     }},
    {"freshet_variant_label_mean", MetricType::Gauge,
     "The mean label; for logistic loss the share of positives.",
     OfExamples<&v1::ProgressiveMetrics::label_mean>},
    {"freshet_variant_skipped_examples_total", MetricType::Counter,
     "Examples that were not learned because their update would not have been finite.",
     [](const v1::Variant& v) -> Value { return v.metrics().skipped_count(); }},
    {"freshet_variant_cut_examples_total", MetricType::Counter,
     "Examples that were learned without some of the features made of them, because there were too "
     "many.",
     [](const v1::Variant& v) -> Value { return v.metrics().cut_count(); }},
    {"freshet_variant_table_bytes", MetricType::Gauge,
     "Memory that the weight table may grow to, in bytes.",
     [](const v1::Variant& v) -> Value { return v.table_bytes(); }},
    {"freshet_variant_table_used_slots", MetricType::Gauge,
     "Slots of the weight table that are used; an estimate for more than 4194304 slots.",
     [](const v1::Variant& v) -> Value { return v.table().used_slot_count(); }},
    {"freshet_variant_zero_weights", MetricType::Gauge,
     "Used slots whose weight is exactly 0, which is the effect of l1, estimated; only for "
     "variants with l1.",
     [](const v1::Variant& v) {
       return v.learner().l1() > 0 ? Value(v.table().zero_weight_count()) : std::nullopt;
     }},
    {"freshet_variant_features", MetricType::Gauge,
     "Distinct features that have a weight, estimated from the slots that are used.",
     [](const v1::Variant& v) -> Value { return v.table().feature_count(); }},
    {"freshet_variant_collision_ratio", MetricType::Gauge,
     "The share of features that share their slot with another, estimated; 0 to 1.",
     [](const v1::Variant& v) -> Value { return v.table().collision_share(); }},
};

prometheus::MetricFamily BatchFamily(std::span<const ModelSample> samples) {
  prometheus::MetricFamily family =
      MakeFamily("freshet_model_batches_total", MetricType::Counter,
                 "Batches answered since the server started, by the status code of the answer; OK: "
                 "learned. Without duplicates.");
  for (const ModelSample& sample : samples) {
    for (size_t i = 0; i < BatchCounters::kCodes; ++i) {
      const auto code = static_cast<absl::StatusCode>(i);
      const uint64_t count = sample.batches->answers(code);
      if (count == 0 && code != absl::StatusCode::kOk) continue;
      AddValue(family, {{"model", sample.id}, {"code", absl::StatusCodeToString(code)}},
               static_cast<double>(count));
    }
  }
  return family;
}

prometheus::MetricFamily SyncFamily(std::span<const ModelSample> samples) {
  prometheus::MetricFamily family =
      MakeFamily("freshet_model_log_sync_duration_seconds", MetricType::Histogram,
                 "How long each write and sync of the log took, since the server started, in "
                 "seconds.");
  for (const ModelSample& sample : samples) {
    if (HasLog(sample)) AddHistogram(family, {{"model", sample.id}}, sample.counters.syncs);
  }
  return family;
}

// A figure of each part of each mixture.
template <double (v1::MixturePart::*kField)() const>
prometheus::MetricFamily MixtureFamily(std::span<const ModelSample> samples, const char* name,
                                       const char* help) {
  prometheus::MetricFamily family = MakeFamily(name, MetricType::Gauge, help);
  for (const ModelSample& sample : samples) {
    for (const v1::Variant& variant : sample.model->variants()) {
      for (const v1::MixturePart& part : variant.mixture()) {
        AddValue(family,
                 {{"model", sample.id},
                  {"variant", std::string(LastId(variant.name()))},
                  {"part", part.name()}},
                 (part.*kField)());
      }
    }
  }
  return family;
}

}  // namespace

void AddModelMetrics(std::span<const ModelSample> samples,
                     std::vector<prometheus::MetricFamily>& page) {
  for (const ModelMetric& metric : kModelMetrics) {
    prometheus::MetricFamily family = MakeFamily(metric.name, metric.type, metric.help);
    for (const ModelSample& sample : samples) {
      if (const Value value = metric.value(sample)) {
        AddValue(family, {{"model", sample.id}}, *value);
      }
    }
    AddFamily(page, std::move(family));
  }
  AddFamily(page, BatchFamily(samples));
  AddFamily(page, SyncFamily(samples));
  for (const VariantMetric& metric : kVariantMetrics) {
    prometheus::MetricFamily family = MakeFamily(metric.name, metric.type, metric.help);
    for (const ModelSample& sample : samples) {
      for (const v1::Variant& variant : sample.model->variants()) {
        const Value value = metric.value(variant);
        if (!value) continue;
        AddValue(family, {{"model", sample.id}, {"variant", std::string(LastId(variant.name()))}},
                 *value);
      }
    }
    AddFamily(page, std::move(family));
  }
  AddQualityMetrics(samples, page);
  AddLabelMetrics(samples, page);
  AddFamily(page, MixtureFamily<&v1::MixturePart::weight>(
                      samples, "freshet_variant_mixture_weight",
                      "The weight of each part of a mixture; they add up to 1."));
  AddFamily(page, MixtureFamily<&v1::MixturePart::decayed_loss>(
                      samples, "freshet_variant_mixture_decayed_loss",
                      "The progressive loss of each part of a mixture over about the last 10000 "
                      "examples, with exponentially decaying weight."));
}

}  // namespace freshet
