#include "core/metrics/loss_columns.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "core/base/portable_math.h"
#include "core/loss/hinge.h"
#include "core/loss/poisson.h"
#include "core/loss/quantile.h"
#include "core/loss/vw_loss.h"
#include "core/metrics/logistic_losses.h"

namespace freshet {
namespace {

// Labels are 0 or 1, or shares of a positive label between them.
void FillLogistic(double weight, double positive_weight, double score_limit, ExampleBlock& block) {
  // Puts into base_rate_losses the probability that the running base rate gives each label, from
  // the labels before it. FillLogisticLosses() turns it into a loss.
  for (size_t i = 0; i < block.size; ++i) {
    const double of_label = block.labels[i] > 0 ? positive_weight : weight - positive_weight;
    block.base_rate_losses[i] = (of_label + 0.5) / (weight + 1);
    weight += block.weights[i];
    positive_weight += block.weights[i] * block.labels[i];
  }
  FillLogisticLosses(score_limit, block);
}

void FillSquared(double weight, double label_sum, ExampleBlock& block) {
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

// The base rate predicts the class that was more frequent so far.
void FillHinge(double weight, double positive_weight, ExampleBlock& block) {
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

void FillPoisson(double weight, double label_sum, ExampleBlock& block) {
  for (size_t i = 0; i < block.size; ++i) {
    const auto label = static_cast<float>(block.labels[i]);
    const double base_rate = NaturalLog((label_sum + 0.5) / (weight + 1));
    block.predictions[i] = PoissonLoss::Link(static_cast<float>(block.scores[i]));
    block.losses[i] = PoissonLoss::Value(block.scores[i], label);
    block.base_rate_losses[i] = PoissonLoss::Value(base_rate, label);
    weight += block.weights[i];
    label_sum += block.weights[i] * block.labels[i];
  }
}

}  // namespace

void LossColumns::Fill(double weight, double label, double score_limit, ExampleBlock& block) {
  switch (loss_) {
    case LossKind::kLogistic:
      for (size_t i = 0; i < block.size; ++i) block.labels[i] = block.labels[i] > 0 ? 1.0 : 0.0;
      return FillLogistic(weight, label, score_limit, block);
    case LossKind::kSquared:
    case LossKind::kVwSquared:
      return FillSquared(weight, label, block);
    case LossKind::kHinge:
      return FillHinge(weight, label, block);
    case LossKind::kPoisson:
      return FillPoisson(weight, label, block);
    case LossKind::kQuantile:
    case LossKind::kVwQuantile:
      return FillQuantile(weight, block);
    case LossKind::kShareLogistic:
      for (size_t i = 0; i < block.size; ++i) block.labels[i] = (block.labels[i] + 1) / 2;
      return FillLogistic(weight, label, score_limit, block);
    case LossKind::kExpectile:
      return FillExpectile(weight, label, block);
    case LossKind::kMarginHinge:
    case LossKind::kZeroOne:
      return FillMargin(weight, label, block);
    case LossKind::kDeviance:
      FillPoisson(weight, label, block);
      for (size_t i = 0; i < block.size; ++i) {
        const auto label_float = static_cast<float>(block.labels[i]);
        block.losses[i] = VwLoss({.kind = loss_}).Value(block.scores[i], label_float);
        block.base_rate_losses[i] *= 2;
      }
      return;
  }
}

void LossColumns::FillExpectile(double weight, double label_sum, ExampleBlock& block) const {
  FillSquared(weight, label_sum, block);
  for (size_t i = 0; i < block.size; ++i) {
    const bool is_below = block.labels[i] < block.scores[i];
    block.losses[i] *= is_below ? quantile_tau_ : 1 - quantile_tau_;
  }
}

// The base rate predicts the class that was more frequent so far.
void LossColumns::FillMargin(double weight, double positive_weight, ExampleBlock& block) const {
  const auto loss_of = [this](double score, double label) {
    if (loss_ == LossKind::kMarginHinge) return std::max(0.0, 1 - label * score);
    return (score > 0) == (label > 0) ? 0.0 : 1.0;
  };
  for (size_t i = 0; i < block.size; ++i) {
    const double label = block.labels[i];
    const double lead = 2 * positive_weight - weight;
    block.labels[i] = label > 0 ? 1.0 : 0.0;
    block.predictions[i] = block.scores[i];
    block.losses[i] = loss_of(block.scores[i], label);
    block.base_rate_losses[i] = loss_of(lead > 0 ? 1 : (lead < 0 ? -1 : 0), label);
    weight += block.weights[i];
    positive_weight += block.weights[i] * block.labels[i];
  }
}

void LossColumns::FillQuantile(double weight, ExampleBlock& block) {
  const QuantileLoss loss(quantile_tau_);
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

void LossColumns::SaveState(StateWriter& writer) const {
  if (loss_ == LossKind::kQuantile) writer.WriteValue(quantile_);
}

absl::Status LossColumns::LoadState(StateReader& reader) {
  if (loss_ != LossKind::kQuantile) return reader.status();
  quantile_ = reader.ReadValue<RunningQuantile>();
  if (!reader.status().ok()) return reader.status();
  if (!std::isfinite(quantile_.value) || !std::isfinite(quantile_.deviation_sum) ||
      quantile_.deviation_sum < 0) {
    return reader.Damaged("the running quantile of the metrics is out of range");
  }
  return absl::OkStatus();
}

}  // namespace freshet
