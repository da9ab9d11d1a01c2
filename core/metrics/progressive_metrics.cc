#include "core/metrics/progressive_metrics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "core/base/portable_math.h"
#include "core/loss/hinge.h"
#include "core/loss/poisson.h"
#include "core/loss/quantile.h"

namespace freshet {
namespace {

constexpr uint32_t kStateVersion = 1;
constexpr size_t kBlockSize = 256;
constexpr double kMinProbability = 1e-15;
constexpr double kMaxLogit = 34.538776394910684;  // Of 1 - kMinProbability.
// Buckets are 1/64 wide: the logits -16 to 16 are told apart, what is beyond is one bucket each.
constexpr double kBucketsPerLogit = 64;
constexpr double kDecay = 1 - 1 / ProgressiveMetrics::kDecayExampleCount;

bool IsSum(double value) { return std::isfinite(value) && value >= 0; }

}  // namespace

// Some examples as columns, so that the logarithms are computed by vector instructions.
struct ProgressiveMetrics::Block {
  size_t size = 0;
  std::array<double, kBlockSize> weights;
  std::array<double, kBlockSize> scores;
  std::array<double, kBlockSize> labels;  // Losses of two classes: 0 or 1.
  std::array<double, kBlockSize> predictions;
  std::array<double, kBlockSize> losses;
  std::array<double, kBlockSize> base_rate_losses;
};

ProgressiveMetrics::ProgressiveMetrics(LossKind loss, double quantile_tau)
    : loss_(loss), quantile_tau_(quantile_tau), buckets_(IsBinary(loss) ? kBucketCount : 0) {}

void ProgressiveMetrics::Update(std::span<const float> scores, std::span<const float> labels,
                                std::span<const float> weights) {
  Block block;
  for (size_t begin = 0; begin < scores.size(); begin += kBlockSize) {
    const size_t end = std::min(begin + kBlockSize, scores.size());
    block.size = 0;
    for (size_t i = begin; i < end; ++i) {
      const float weight = weights.empty() ? 1.0f : weights[i];
      block.weights[block.size] = weight;
      block.scores[block.size] = scores[i];
      block.labels[block.size] = labels[i];
      block.size += weight > 0 ? 1 : 0;  // Examples of weight 0 are not counted.
    }
    Compute(block);
    Add(block);
    if (IsBinary(loss_)) AddToBuckets(block);
  }
}

void ProgressiveMetrics::Compute(Block& block) {
  switch (loss_) {
    case LossKind::kLogistic:
      return ComputeLogistic(block);
    case LossKind::kSquared:
      return ComputeSquared(block);
    case LossKind::kHinge:
      return ComputeHinge(block);
    case LossKind::kPoisson:
      return ComputePoisson(block);
    case LossKind::kQuantile:
      return ComputeQuantile(block);
  }
}

void ProgressiveMetrics::ComputeLogistic(Block& block) const {
  // The base rate's probability of each label as it came, before that example.
  double weight = sums_.weight;
  double positive_weight = sums_.label;
  for (size_t i = 0; i < block.size; ++i) {
    block.labels[i] = block.labels[i] > 0 ? 1.0 : 0.0;
    const double of_label = block.labels[i] > 0 ? positive_weight : weight - positive_weight;
    block.base_rate_losses[i] = (of_label + 0.5) / (weight + 1);
    weight += block.weights[i];
    positive_weight += block.weights[i] * block.labels[i];
  }
  for (size_t i = 0; i < block.size; ++i) {
    const double score = std::min(std::max(block.scores[i], -kMaxLogit), kMaxLogit);
    const double exp_score = Exp(-score);
    block.predictions[i] = 1.0 / (1.0 + exp_score);
    // -log p = log(1 + exp(-s)), and -log(1 - p) = s - log p.
    block.losses[i] =
        std::max(Log(1.0 + exp_score) + (1.0 - block.labels[i]) * score, kMinProbability);
    block.base_rate_losses[i] = -Log(std::max(block.base_rate_losses[i], kMinProbability));
  }
}

void ProgressiveMetrics::ComputeSquared(Block& block) const {
  double weight = sums_.weight;
  double label_sum = sums_.label;
  for (size_t i = 0; i < block.size; ++i) {
    const double mean = weight > 0 ? label_sum / weight : 0;
    const double error = block.scores[i] - block.labels[i];
    const double base_rate_error = mean - block.labels[i];
    block.predictions[i] = block.scores[i];
    block.losses[i] = error * error;
    block.base_rate_losses[i] = base_rate_error * base_rate_error;
    weight += block.weights[i];
    label_sum += block.weights[i] * block.labels[i];
  }
}

// The base rate predicts the class that more of the labels were of.
void ProgressiveMetrics::ComputeHinge(Block& block) const {
  double weight = sums_.weight;
  double positive_weight = sums_.label;
  for (size_t i = 0; i < block.size; ++i) {
    const auto label = static_cast<float>(block.labels[i]);
    const double lead = 2 * positive_weight - weight;
    const double base_rate = lead > 0 ? 1 : (lead < 0 ? -1 : 0);
    block.labels[i] = label > 0 ? 1.0 : 0.0;
    block.predictions[i] = block.scores[i];
    block.losses[i] = HingeLoss::Value(block.scores[i], label);
    block.base_rate_losses[i] = HingeLoss::Value(base_rate, label);
    weight += block.weights[i];
    positive_weight += block.weights[i] * block.labels[i];
  }
}

void ProgressiveMetrics::ComputePoisson(Block& block) const {
  double weight = sums_.weight;
  double label_sum = sums_.label;
  for (size_t i = 0; i < block.size; ++i) {
    const auto label = static_cast<float>(block.labels[i]);
    const double base_rate = Log((label_sum + 0.5) / (weight + 1));
    block.predictions[i] = PoissonLoss::Link(static_cast<float>(block.scores[i]));
    block.losses[i] = PoissonLoss::Value(block.scores[i], label);
    block.base_rate_losses[i] = PoissonLoss::Value(base_rate, label);
    weight += block.weights[i];
    label_sum += block.weights[i] * block.labels[i];
  }
}

// Predictions are counted by whether the label was not above them.
void ProgressiveMetrics::ComputeQuantile(Block& block) {
  const QuantileLoss loss(quantile_tau_);
  double weight = sums_.weight;
  for (size_t i = 0; i < block.size; ++i) {
    const double label = block.labels[i];
    const auto label_float = static_cast<float>(label);
    block.predictions[i] = label <= block.scores[i] ? 1.0 : 0.0;
    block.losses[i] = loss.Value(block.scores[i], label_float);
    block.base_rate_losses[i] = loss.Value(quantile_.value, label_float);
    if (weight == 0) quantile_.value = label;
    weight += block.weights[i];
    quantile_.deviation_sum += block.weights[i] * std::abs(label - quantile_.value);
    const double rate =
        2 * (quantile_.deviation_sum / weight) * block.weights[i] / std::sqrt(weight);
    quantile_.value += loss.ImportanceStep(quantile_.value, label_float, rate, 1);
  }
}

void ProgressiveMetrics::Add(const Block& block) {
  Sums sums = sums_;
  for (size_t i = 0; i < block.size; ++i) {
    const double weight = block.weights[i];
    const double loss = weight * block.losses[i];
    const double base_rate_loss = weight * block.base_rate_losses[i];
    sums.weight += weight;
    sums.loss += loss;
    sums.base_rate_loss += base_rate_loss;
    sums.prediction += weight * block.predictions[i];
    sums.label += weight * block.labels[i];
    sums.decayed_weight = sums.decayed_weight * kDecay + weight;
    sums.decayed_loss = sums.decayed_loss * kDecay + loss;
    sums.decayed_base_rate_loss = sums.decayed_base_rate_loss * kDecay + base_rate_loss;
  }
  sums.example_count += block.size;
  sums_ = sums;
}

void ProgressiveMetrics::AddToBuckets(const Block& block) {
  constexpr double kMiddle = kBucketCount / 2.0;
  for (size_t i = 0; i < block.size; ++i) {
    const double position = block.scores[i] * kBucketsPerLogit + kMiddle;
    const double inside = std::min(std::max(position, 0.0), kBucketCount - 1.0);
    Bucket& bucket = buckets_[static_cast<size_t>(inside)];
    (block.labels[i] > 0 ? bucket.positive_weight : bucket.negative_weight) += block.weights[i];
  }
}

ProgressiveFigures ProgressiveMetrics::Figures() const {
  ProgressiveFigures figures;
  figures.example_count = sums_.example_count;
  figures.weight_sum = sums_.weight;
  if (sums_.weight > 0) {
    figures.loss = sums_.loss / sums_.weight;
    figures.base_rate_loss = sums_.base_rate_loss / sums_.weight;
    figures.label_mean = sums_.label / sums_.weight;
  }
  if (sums_.decayed_weight > 0) {
    figures.decayed_loss = sums_.decayed_loss / sums_.decayed_weight;
    figures.decayed_base_rate_loss = sums_.decayed_base_rate_loss / sums_.decayed_weight;
  }
  if (figures.base_rate_loss > 0) figures.relative_gain = 1 - figures.loss / figures.base_rate_loss;
  figures.calibration = Calibration();
  figures.auc = Auc();
  return figures;
}

std::optional<double> ProgressiveMetrics::Auc() const {
  double negative_sum = 0;
  double positive_sum = 0;
  double area = 0;
  for (const Bucket& bucket : buckets_) {
    area += bucket.positive_weight * (negative_sum + bucket.negative_weight / 2);
    negative_sum += bucket.negative_weight;
    positive_sum += bucket.positive_weight;
  }
  if (negative_sum == 0 || positive_sum == 0) return std::nullopt;
  return area / (negative_sum * positive_sum);
}

std::optional<double> ProgressiveMetrics::Calibration() const {
  switch (loss_) {
    case LossKind::kLogistic:
    case LossKind::kSquared:
    case LossKind::kPoisson:
      if (sums_.label != 0) return sums_.prediction / sums_.label;
      break;
    case LossKind::kQuantile:
      if (sums_.weight > 0) return sums_.prediction / sums_.weight / quantile_tau_;
      break;
    case LossKind::kHinge:
      break;
  }
  return std::nullopt;
}

void ProgressiveMetrics::SaveState(StateWriter& writer) const {
  writer.WriteValue(kStateVersion);
  writer.WriteValue(static_cast<uint32_t>(loss_));
  writer.WriteValue(sums_);
  writer.Write(std::as_bytes(std::span(buckets_)));
  if (loss_ == LossKind::kQuantile) writer.WriteValue(quantile_);
}

absl::Status ProgressiveMetrics::LoadState(StateReader& reader) {
  const auto version = reader.ReadValue<uint32_t>();
  const auto loss = reader.ReadValue<uint32_t>();
  sums_ = reader.ReadValue<Sums>();
  reader.Read(std::as_writable_bytes(std::span(buckets_)));
  if (loss_ == LossKind::kQuantile) quantile_ = reader.ReadValue<RunningQuantile>();
  if (!reader.status().ok()) return reader.status();
  bool valid = version == kStateVersion && loss == static_cast<uint32_t>(loss_);
  valid &= IsSum(sums_.weight) && IsSum(sums_.loss) && IsSum(sums_.base_rate_loss);
  valid &= std::isfinite(sums_.prediction) && std::isfinite(sums_.label);
  valid &= IsSum(sums_.decayed_weight) && IsSum(sums_.decayed_loss);
  valid &= IsSum(sums_.decayed_base_rate_loss);
  valid &= std::isfinite(quantile_.value) && IsSum(quantile_.deviation_sum);
  for (const Bucket& bucket : buckets_) {
    valid &= IsSum(bucket.negative_weight) && IsSum(bucket.positive_weight);
  }
  if (!valid) return absl::DataLossError("the saved metrics are not those of this model's loss");
  return absl::OkStatus();
}

}  // namespace freshet
