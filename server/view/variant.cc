#include "server/view/variant.h"

#include <xxhash.h>

#include <utility>
#include <variant>

#include "absl/strings/str_format.h"
#include "core/model/table_usage.h"
#include "server/view/feature_spec.h"
#include "server/view/learner_spec.h"

namespace freshet {
namespace {

// Slots are counted again once the number of examples has grown by this share, so that a model that
// rests costs nothing.
constexpr uint64_t kUsageShare = 64;

void FillWindow(const WindowFigures& figures, v1::WindowMetrics& out) {
  out.set_example_count(figures.example_count);
  out.set_loss(figures.loss);
  out.set_base_rate_loss(figures.base_rate_loss);
  out.set_relative_gain(figures.relative_gain);
  if (figures.auc) out.set_auc(*figures.auc);
  if (figures.calibration) out.set_calibration(*figures.calibration);
  out.set_label_mean(figures.label_mean);
}

void AddDrift(const char* subject, const DriftFigures& figures, v1::ProgressiveMetrics& out) {
  v1::DriftAlarm& alarm = *out.add_drift_alarms();
  alarm.set_subject(subject);
  alarm.set_count(figures.count);
  alarm.set_last_example(figures.last_example);
  alarm.set_level(figures.level);
}

void FillMetrics(const ProgressiveFigures& figures, const Learner& learner,
                 v1::ProgressiveMetrics& out) {
  out.set_example_count(figures.example_count);
  out.set_weight_sum(figures.weight_sum);
  out.set_loss(figures.loss);
  out.set_decayed_loss(figures.decayed_loss);
  out.set_decay_example_count(ProgressiveMetrics::kDecayExampleCount);
  out.set_base_rate_loss(figures.base_rate_loss);
  out.set_decayed_base_rate_loss(figures.decayed_base_rate_loss);
  out.set_relative_gain(figures.relative_gain);
  if (figures.auc) out.set_auc(*figures.auc);
  if (figures.calibration) out.set_calibration(*figures.calibration);
  out.set_label_mean(figures.label_mean);
  out.set_skipped_count(learner.skipped_count());
  out.set_cut_count(learner.cut_count());
  FillWindow(figures.window, *out.mutable_window());
  for (const ReliabilityBin& bin : figures.reliability_bins) {
    v1::ReliabilityBin& added = *out.add_reliability_bins();
    added.set_from(bin.from);
    added.set_to(bin.to);
    added.set_weight_sum(bin.weight_sum);
    added.set_prediction_mean(bin.prediction_mean);
    added.set_label_mean(bin.label_mean);
  }
  if (figures.mean_squared_error) out.set_mean_squared_error(*figures.mean_squared_error);
  if (figures.mean_absolute_error) out.set_mean_absolute_error(*figures.mean_absolute_error);
  if (figures.r_squared) out.set_r_squared(*figures.r_squared);
  AddDrift("loss", figures.loss_drift, out);
  AddDrift("label_rate", figures.label_drift, out);
}

void FillTable(uint64_t slot_count, uint64_t used_slot_count, v1::TableUsage& out) {
  const TableUsage usage = EstimateTableUsage(slot_count, used_slot_count);
  out.set_slot_count(usage.slot_count);
  out.set_used_slot_count(usage.used_slot_count);
  out.set_feature_count(usage.feature_count);
  out.set_collision_share(usage.collision_share);
}

std::shared_ptr<const FeatureExpander> MakeExpander(const v1::LearnerSpec& learner) {
  const FeatureOptions options = FeatureOptionsOf(learner.features());
  return options.adds_features() ? std::make_shared<const FeatureExpander>(options) : nullptr;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Variant>> Variant::Create(std::string id,
                                                         const v1::LearnerSpec& learner) {
  absl::StatusOr<std::unique_ptr<Learner>> made = MakeLearner(learner);
  if (!made.ok()) return made.status();
  return std::unique_ptr<Variant>(new Variant(std::move(id), *std::move(made), learner));
}

Variant::Variant(std::string id, std::shared_ptr<Learner> learner, const v1::LearnerSpec& spec)
    : View(std::move(id)),
      learner_(std::move(learner)),
      metrics_(MetricsOptionsOf(spec)),
      served_(std::make_shared<const ServedVariant>(
          ServedVariant{.learner = learner_,
                        .spec = spec,
                        .loss = LossKindOf(spec),
                        .expander = MakeExpander(spec),
                        .score_correction = ScoreCorrectionOf(spec)})) {}

void Variant::ApplyNext(const Record& record, View* restored) {
  if (const BatchRecord* const batch = record.batch()) {
    const ExampleBatch& examples = batch->examples();
    const double score_limit =
        batch->envelope() ? ProgressiveMetrics::kScoreLimit : ProgressiveMetrics::kOldScoreLimit;
    scores_.resize(examples.size());
    learner_->LearnBatch(examples, scores_);
    metrics_.Update(scores_, examples.labels, examples.weights, score_limit);
  } else if (const auto* labels = std::get_if<LabelsRecord>(&record.body)) {
    LearnLabelled(*labels);
  } else if (restored != nullptr) {
    auto& saved = static_cast<Variant&>(*restored);
    learner_ = std::move(saved.learner_);
    served_ = std::move(saved.served_);
    metrics_ = std::move(saved.metrics_);
    used_slots_ = 0;
    counted_examples_ = 0;
  }
}

void Variant::LearnLabelled(const LabelsRecord& labels) {
  for (const auto& run : labels.rows->runs) {
    scores_.resize(run->examples.size());
    if (!run->old_labels.empty()) {
      learner_->CorrectBatch(run->examples, run->old_labels, scores_);
      continue;
    }
    learner_->LearnBatch(run->examples, scores_);
    metrics_.Update(scores_, run->examples.labels, run->examples.weights);
  }
}

void Variant::Save(StateWriter& writer) const {
  metrics_.SaveState(writer);
  learner_->SaveState(writer);
}

absl::Status Variant::LoadVersion(StateReader& reader, uint32_t /*version*/) {
  if (absl::Status status = metrics_.LoadState(reader); !status.ok()) return status;
  return learner_->LoadState(reader);
}

std::string Variant::ComputeDigest() const {
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> hash(XXH3_createState(),
                                                                      &XXH3_freeState);
  XXH3_128bits_reset(hash.get());
  StateWriter writer(StateForm::kDigest, [&hash](std::span<const std::byte> bytes) {
    XXH3_128bits_update(hash.get(), bytes.data(), bytes.size());
  });
  writer.WriteValue<uint32_t>(1);  // The number of variants, when all had one digest.
  metrics_.SaveTotals(writer);
  learner_->SaveState(writer);
  const XXH128_hash_t digest = XXH3_128bits_digest(hash.get());
  return absl::StrFormat("%016x%016x", digest.high64, digest.low64);
}

uint64_t Variant::UsedSlots() const {
  const uint64_t examples = example_count();
  if (examples < counted_examples_ ||
      examples > counted_examples_ + counted_examples_ / kUsageShare) {
    used_slots_ = learner_->EstimateUsedSlots();
    counted_examples_ = examples;
  }
  return used_slots_;
}

void Variant::Describe(v1::Variant& variant) const {
  variant.set_table_bytes(learner_->table_bytes());
  FillTable(uint64_t{1} << variant.learner().bits(), UsedSlots(), *variant.mutable_table());
  variant.clear_mixture();
  for (const MixturePart& part : learner_->Mixture()) {
    v1::MixturePart& described = *variant.add_mixture();
    described.set_name(std::string(part.name));
    described.set_weight(part.weight);
    described.set_decayed_loss(part.decayed_loss);
  }
  FillMetrics(metrics_.Figures(), *learner_, *variant.mutable_metrics());
  if (variant.learner().l1() > 0) {
    variant.mutable_table()->set_zero_weight_count(learner_->CountZeroWeights());
  }
}

}  // namespace freshet
