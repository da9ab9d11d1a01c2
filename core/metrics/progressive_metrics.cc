#include "core/metrics/progressive_metrics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "core/base/portable_math.h"

namespace freshet {
namespace {

constexpr uint32_t kStateVersion = 3;
// Version 2 had no sums for the base rate.
constexpr uint32_t kVersionWithWindows = 2;
// Version 1 had only totals and scores. Digests are computed over that form.
constexpr uint32_t kTotalsVersion = 1;
constexpr double kDecay = 1 - 1 / ProgressiveMetrics::kDecayExampleCount;

double GainOver(double base_rate_loss, double loss) {
  return base_rate_loss > 0 ? 1 - loss / base_rate_loss : 0;
}

}  // namespace

ProgressiveMetrics::ProgressiveMetrics(const Options& options)
    : options_(options),
      score_correction_(
          options.negative_sampling_rate < 1 ? NaturalLog(options.negative_sampling_rate) : 0),
      columns_(options.loss, options.quantile_tau),
      base_rate_(options.loss) {}

void ProgressiveMetrics::Update(std::span<const float> scores, std::span<const float> labels,
                                std::span<const float> weights, double score_limit) {
  ExampleBlock block;
  for (size_t i = 0; i < scores.size();) {
    const size_t room = kGroupExamples - group_.example_count;
    block.size = 0;
    for (; i < scores.size() && block.size < room; ++i) {
      const float weight = weights.empty() ? 1.0f : weights[i];
      block.weights[block.size] = weight;
      block.scores[block.size] = scores[i];
      block.labels[block.size] = labels[i];
      block.size += weight > 0 ? 1 : 0;  // Examples of weight 0 are not counted.
    }
    if (score_correction_ != 0) CorrectForSampling(block);
    columns_.Fill(totals_.all.weight, totals_.all.label, score_limit, block);
    Add(block);
    base_rate_.Add(block, kDecay);
    if (IsBinary(options_.loss)) {
      window_.AddScores(block);
    } else {
      const bool is_count =
          options_.loss == LossKind::kPoisson || options_.loss == LossKind::kDeviance;
      numbers_.Add(block, is_count ? block.predictions : block.scores);
    }
    if (group_.example_count == kGroupExamples) EndGroup();
  }
}

void ProgressiveMetrics::CorrectForSampling(ExampleBlock& block) const {
  for (size_t i = 0; i < block.size; ++i) {
    block.scores[i] += score_correction_;
    if (!(block.labels[i] > 0)) block.weights[i] /= options_.negative_sampling_rate;
  }
}

void ProgressiveMetrics::Add(const ExampleBlock& block) {
  Totals totals = totals_;
  LossSums group = group_;
  for (size_t i = 0; i < block.size; ++i) {
    const double weight = block.weights[i];
    const double loss = weight * block.losses[i];
    const double base_rate_loss = weight * block.base_rate_losses[i];
    const double prediction = weight * block.predictions[i];
    const double label = weight * block.labels[i];
    totals.all.weight += weight;
    totals.all.loss += loss;
    totals.all.base_rate_loss += base_rate_loss;
    totals.all.prediction += prediction;
    totals.all.label += label;
    totals.decayed_weight = totals.decayed_weight * kDecay + weight;
    totals.decayed_loss = totals.decayed_loss * kDecay + loss;
    totals.decayed_base_rate_loss = totals.decayed_base_rate_loss * kDecay + base_rate_loss;
    group.weight += weight;
    group.loss += loss;
    group.base_rate_loss += base_rate_loss;
    group.prediction += prediction;
    group.label += label;
  }
  totals.all.example_count += block.size;
  group.example_count += block.size;
  totals_ = totals;
  group_ = group;
}

void ProgressiveMetrics::EndGroup() {
  base_rate_.EndGroup(/*ends_half=*/window_.AddSums(group_));
  loss_drift_.Observe(group_.loss / group_.weight, totals_.all.example_count);
  label_drift_.Observe(group_.label / group_.weight, totals_.all.example_count);
  group_ = LossSums();
}

ProgressiveFigures ProgressiveMetrics::Figures() const {
  ProgressiveFigures figures;
  const LossSums& all = totals_.all;
  figures.example_count = all.example_count;
  figures.weight_sum = all.weight;
  if (all.weight > 0) {
    figures.loss = all.loss / all.weight;
    figures.label_mean = all.label / all.weight;
  }
  if (totals_.decayed_weight > 0) {
    figures.decayed_loss = totals_.decayed_loss / totals_.decayed_weight;
  }
  figures.base_rate_loss = base_rate_.Loss(all);
  figures.decayed_base_rate_loss =
      base_rate_.DecayedLoss(totals_.decayed_weight, totals_.decayed_base_rate_loss);
  figures.relative_gain = GainOver(figures.base_rate_loss, figures.loss);
  figures.calibration = Calibration(all);
  figures.window = Window();
  if (IsBinary(options_.loss)) {
    const ScoreHistogram scores = window_.AllScores();
    figures.auc = scores.Auc();
    if (options_.loss == LossKind::kLogistic || options_.loss == LossKind::kShareLogistic) {
      figures.reliability_bins = scores.ReliabilityBins();
    }
  } else {
    figures.mean_squared_error = numbers_.MeanSquaredError();
    figures.mean_absolute_error = numbers_.MeanAbsoluteError();
    figures.r_squared = numbers_.RSquared();
  }
  figures.loss_drift = loss_drift_.Figures();
  figures.label_drift = label_drift_.Figures();
  return figures;
}

WindowFigures ProgressiveMetrics::Window() const {
  WindowFigures figures;
  LossSums sums = window_.Sums();
  sums += group_;
  figures.example_count = sums.example_count;
  if (sums.weight > 0) {
    figures.loss = sums.loss / sums.weight;
    figures.label_mean = sums.label / sums.weight;
  }
  figures.base_rate_loss = base_rate_.WindowLoss(sums);
  figures.relative_gain = GainOver(figures.base_rate_loss, figures.loss);
  figures.calibration = Calibration(sums);
  if (IsBinary(options_.loss)) figures.auc = window_.Scores().Auc();
  return figures;
}

std::optional<double> ProgressiveMetrics::Calibration(const LossSums& sums) const {
  switch (options_.loss) {
    case LossKind::kLogistic:
    case LossKind::kSquared:
    case LossKind::kPoisson:
    case LossKind::kShareLogistic:
    case LossKind::kDeviance:
    case LossKind::kExpectile:
      if (sums.label != 0) return sums.prediction / sums.label;
      break;
    case LossKind::kQuantile:
      if (sums.weight > 0) return sums.prediction / sums.weight / options_.quantile_tau;
      break;
    case LossKind::kHinge:
    case LossKind::kMarginHinge:
    case LossKind::kZeroOne:
    case LossKind::kVwSquared:
    case LossKind::kVwQuantile:
      break;
  }
  return std::nullopt;
}

void ProgressiveMetrics::SaveTotals(StateWriter& writer) const {
  writer.WriteValue(kTotalsVersion);
  writer.WriteValue(static_cast<uint32_t>(options_.loss));
  writer.WriteValue(totals_);
  if (IsBinary(options_.loss)) window_.AllScores().SaveBuckets(writer);
  columns_.SaveState(writer);
}

void ProgressiveMetrics::SaveState(StateWriter& writer) const {
  writer.WriteValue(kStateVersion);
  writer.WriteValue(static_cast<uint32_t>(options_.loss));
  writer.WriteValue(totals_);
  columns_.SaveState(writer);
  writer.WriteValue(group_);
  window_.SaveState(writer);
  numbers_.SaveState(writer);
  loss_drift_.SaveState(writer);
  label_drift_.SaveState(writer);
  base_rate_.SaveState(writer);
}

absl::Status ProgressiveMetrics::LoadState(StateReader& reader) {
  const auto version = reader.ReadValue<uint32_t>();
  const auto loss = reader.ReadValue<uint32_t>();
  const bool known = version >= kTotalsVersion && version <= kStateVersion;
  if (!known || loss != static_cast<uint32_t>(options_.loss)) {
    return reader.Damaged(
        "the saved metrics have an unknown version or are of another loss than the model's");
  }
  if (absl::Status status = LoadTotals(reader); !status.ok()) return status;
  if (version == kTotalsVersion) {
    if (IsBinary(options_.loss)) {
      if (absl::Status status = window_.LoadOldScores(reader); !status.ok()) return status;
    }
    BeginBaseRate();
    return columns_.LoadState(reader);
  }
  if (absl::Status status = columns_.LoadState(reader); !status.ok()) return status;
  group_ = reader.ReadValue<LossSums>();
  if (absl::Status status = window_.LoadState(reader); !status.ok()) return status;
  if (!group_.IsValid() || group_.example_count >= kGroupExamples) {
    return reader.Damaged(
        "the sums of the newest group of examples in the metrics are out of range");
  }
  if (absl::Status status = numbers_.LoadState(reader); !status.ok()) return status;
  if (absl::Status status = loss_drift_.LoadState(reader); !status.ok()) return status;
  if (absl::Status status = label_drift_.LoadState(reader); !status.ok()) return status;
  if (version > kVersionWithWindows) return base_rate_.LoadState(reader);
  BeginBaseRate();
  return absl::OkStatus();
}

void ProgressiveMetrics::BeginBaseRate() {
  base_rate_.Begin({.all = totals_.all,
                    .older = window_.older_sums(),
                    .newer = window_.newer_sums(),
                    .group = group_,
                    .decayed_weight = totals_.decayed_weight,
                    .decayed_base_rate_loss = totals_.decayed_base_rate_loss});
}

absl::Status ProgressiveMetrics::LoadTotals(StateReader& reader) {
  totals_ = reader.ReadValue<Totals>();
  if (!reader.status().ok()) return reader.status();
  if (!totals_.all.IsValid() || !IsSum(totals_.decayed_weight) || !IsSum(totals_.decayed_loss) ||
      !IsSum(totals_.decayed_base_rate_loss)) {
    return reader.Damaged("the total sums of the metrics are out of range");
  }
  return absl::OkStatus();
}

}  // namespace freshet
