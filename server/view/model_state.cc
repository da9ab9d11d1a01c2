#include "server/view/model_state.h"

#include <xxhash.h>

#include <optional>
#include <utility>

#include "absl/strings/str_format.h"
#include "core/base/str_cat.h"
#include "core/model/table_usage.h"
#include "server/view/learner_spec.h"
#include "server/view/model_settings.h"

namespace freshet {
namespace {

// Of the saved state.
constexpr uint32_t kFirstVersion = 1;
constexpr uint32_t kVersionWithNames = 3;
constexpr uint32_t kVersionWithGaps = 5;

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

ProgressiveMetrics::Options MetricsOptionsOf(const v1::LearnerSpec& learner) {
  ProgressiveMetrics::Options options{.loss = LossKindOf(learner)};
  if (learner.has_quantile_tau()) options.quantile_tau = learner.quantile_tau();
  if (learner.has_negative_sampling_rate()) {
    options.negative_sampling_rate = learner.negative_sampling_rate();
  }
  return options;
}

void FillTable(uint64_t slot_count, uint64_t used_slot_count, v1::TableUsage& out) {
  const TableUsage usage = EstimateTableUsage(slot_count, used_slot_count);
  out.set_slot_count(usage.slot_count);
  out.set_used_slot_count(usage.used_slot_count);
  out.set_feature_count(usage.feature_count);
  out.set_collision_share(usage.collision_share);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ModelState>> ModelState::Create(const v1::Model& spec) {
  std::unique_ptr<ModelState> state(new ModelState);
  state->settings_ = SettingsOf(spec);
  for (const v1::Variant& variant : spec.variants()) {
    absl::StatusOr<std::unique_ptr<Learner>> learner = MakeLearner(variant.learner());
    if (!learner.ok()) return learner.status();
    state->variants_.push_back(
        {*std::move(learner), ProgressiveMetrics(MetricsOptionsOf(variant.learner()))});
  }
  return state;
}

void ModelState::ApplyBatch(const LearnMessage& message, std::span<float> scores) {
  const ExampleBatch& batch = message.examples();
  const double score_limit =
      message.envelope() ? ProgressiveMetrics::kScoreLimit : ProgressiveMetrics::kOldScoreLimit;
  for (size_t i = 0; i < variants_.size(); ++i) {
    VariantState& variant = variants_[i];
    std::span<float> variant_scores = scores;
    if (i > 0) {
      challenger_scores_.resize(batch.size());
      variant_scores = challenger_scores_;
    }
    variant.learner->LearnBatch(batch, variant_scores);
    variant.metrics.Update(variant_scores, batch.labels, batch.weights, score_limit);
  }
  const v1::LearnRequest& request = message.request();
  if (request.has_packed()) {
    names_->Learn(request.packed());
  } else {
    names_->Learn(request.examples());
  }
  ++offset_;
  if (const std::optional<BatchEnvelope>& envelope = message.envelope()) {
    producers_.Accept({.producer_id = request.producer_id(),
                       .sequence = request.sequence(),
                       .sender = envelope->sender},
                      offset_, envelope->max_producers);
  } else {
    producers_.AcceptOld(request.producer_id(), request.sequence(), offset_);
  }
}

void ModelState::ApplyRestore(std::unique_ptr<ModelState> restored) {
  variants_ = std::move(restored->variants_);
  names_->Merge(*restored->names_);
  ++offset_;
}

void ModelState::ApplySettings(v1::Model settings) {
  settings_ = std::move(settings);
  ++offset_;
}

void ModelState::Save(StateWriter& writer) const {
  writer.WriteValue<uint32_t>(kVersion);
  writer.WriteValue<uint64_t>(offset_);
  producers_.SaveState(writer);
  writer.WriteValue<uint32_t>(static_cast<uint32_t>(variants_.size()));
  for (const VariantState& variant : variants_) {
    variant.metrics.SaveState(writer);
    variant.learner->SaveState(writer);
  }
  names_->SaveState(writer);
}

absl::Status ModelState::Load(std::span<const std::byte> bytes) {
  StateReader reader(bytes);
  const auto version = reader.ReadValue<uint32_t>();
  if (version < kFirstVersion || version > kVersion) {
    return absl::DataLossError(StrCat("the state has version ", version,
                                      "; this server reads up to ", kVersion,
                                      "; start the version that wrote it"));
  }
  offset_ = reader.ReadValue<uint64_t>();
  absl::Status status =
      version >= kVersionWithGaps ? producers_.LoadState(reader) : producers_.LoadOldState(reader);
  if (!status.ok()) return status;
  const auto variant_count = reader.ReadValue<uint32_t>();
  if (variant_count != variants_.size()) {
    return absl::DataLossError(
        StrCat("the state has ", variant_count, " variants; the model has ", variants_.size()));
  }
  for (VariantState& variant : variants_) {
    if (status = variant.metrics.LoadState(reader); !status.ok()) return status;
    if (status = variant.learner->LoadState(reader); !status.ok()) return status;
  }
  if (version >= kVersionWithNames) {
    if (status = names_->LoadState(reader); !status.ok()) return status;
  }
  if (reader.remaining_bytes() != 0) {
    return absl::DataLossError(
        StrCat("the state has ", reader.remaining_bytes(), " bytes after its end"));
  }
  return reader.status();
}

std::string ModelState::ComputeDigest() const {
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> hash(XXH3_createState(),
                                                                      &XXH3_freeState);
  XXH3_128bits_reset(hash.get());
  StateWriter writer(StateForm::kDigest, [&hash](std::span<const std::byte> bytes) {
    XXH3_128bits_update(hash.get(), bytes.data(), bytes.size());
  });
  writer.WriteValue<uint32_t>(static_cast<uint32_t>(variants_.size()));
  for (const VariantState& variant : variants_) {
    variant.metrics.SaveTotals(writer);
    variant.learner->SaveState(writer);
  }
  const XXH128_hash_t digest = XXH3_128bits_digest(hash.get());
  return absl::StrFormat("%016x%016x", digest.high64, digest.low64);
}

std::vector<std::shared_ptr<const Learner>> ModelState::learners() const {
  std::vector<std::shared_ptr<const Learner>> learners;
  for (const VariantState& variant : variants_) learners.push_back(variant.learner);
  return learners;
}

uint64_t ModelState::UsedSlots(const VariantState& variant) {
  const uint64_t examples = variant.learner->example_count();
  const uint64_t counted = variant.counted_examples;
  if (examples < counted || examples > counted + counted / kUsageShare) {
    variant.used_slots = variant.learner->EstimateUsedSlots();
    variant.counted_examples = examples;
  }
  return variant.used_slots;
}

void ModelState::Describe(v1::Model& model) const {
  PutSettings(settings_, model);
  model.set_offset(offset_);
  model.set_example_count(example_count());
  for (size_t i = 0; i < variants_.size(); ++i) {
    v1::Variant& variant = *model.mutable_variants(static_cast<int>(i));
    variant.set_champion(i == 0);
    variant.set_table_bytes(variants_[i].learner->table_bytes());
    FillTable(uint64_t{1} << variant.learner().bits(), UsedSlots(variants_[i]),
              *variant.mutable_table());
    variant.clear_mixture();
    for (const MixturePart& part : variants_[i].learner->Mixture()) {
      v1::MixturePart& described = *variant.add_mixture();
      described.set_name(std::string(part.name));
      described.set_weight(part.weight);
      described.set_decayed_loss(part.decayed_loss);
    }
    FillMetrics(variants_[i].metrics.Figures(), *variants_[i].learner, *variant.mutable_metrics());
    if (variant.learner().l1() > 0) {
      variant.mutable_table()->set_zero_weight_count(variants_[i].learner->CountZeroWeights());
    }
  }
}

}  // namespace freshet
