#include "client/command/row_metrics.h"

#include <cmath>

namespace freshet {
namespace {

LossKind KindOf(v1::Loss loss) {
  switch (loss) {
    case v1::LOSS_SQUARED:
      return LossKind::kSquared;
    case v1::LOSS_HINGE:
      return LossKind::kHinge;
    case v1::LOSS_POISSON:
      return LossKind::kPoisson;
    case v1::LOSS_QUANTILE:
      return LossKind::kQuantile;
    default:
      return LossKind::kLogistic;
  }
}

ProgressiveMetrics::Options OptionsOf(const v1::LearnerSpec& learner) {
  ProgressiveMetrics::Options options{.loss = KindOf(learner.loss())};
  if (learner.has_quantile_tau()) options.quantile_tau = learner.quantile_tau();
  if (learner.has_negative_sampling_rate()) {
    options.negative_sampling_rate = learner.negative_sampling_rate();
  }
  return options;
}

}  // namespace

RowMetrics::RowMetrics(const v1::LearnerSpec& learner) : metrics_(OptionsOf(learner)) {
  if (learner.has_negative_sampling_rate()) {
    score_correction_ = static_cast<float>(std::log(learner.negative_sampling_rate()));
  }
}

void RowMetrics::Add(std::span<const float> scores, std::span<const float> labels,
                     std::span<const float> weights) {
  for (size_t begin = 0; begin < scores.size();) {
    if (std::isnan(scores[begin])) {
      ++begin;
      continue;
    }
    std::vector<float> learned_scores;  // ProgressiveMetrics corrects scores by itself.
    size_t end = begin;
    for (; end < scores.size() && !std::isnan(scores[end]); ++end) {
      learned_scores.push_back(scores[end] - score_correction_);
    }
    const size_t count = end - begin;
    metrics_.Update(learned_scores, labels.subspan(begin, count),
                    weights.empty() ? weights : weights.subspan(begin, count));
    begin = end;
  }
}

void PushMetrics::Expect(const ExampleBatch& rows) {
  const SteadyLock lock(&mu_);
  for (size_t row = 0; row < rows.size(); ++row) {
    expected_.push_back({rows.labels[row], rows.Weight(row)});
  }
}

void PushMetrics::Take(std::span<const float> scores) {
  const SteadyLock lock(&mu_);
  labels_.clear();
  weights_.clear();
  for (size_t row = 0; row < scores.size(); ++row) {
    labels_.push_back(expected_[row].label);
    weights_.push_back(expected_[row].weight);
  }
  expected_.erase(expected_.begin(),
                  expected_.begin() + static_cast<std::ptrdiff_t>(scores.size()));
  metrics_.Add(scores, labels_, weights_);
}

ProgressiveFigures PushMetrics::Figures() const {
  const SteadyLock lock(&mu_);
  return metrics_.Figures();
}

}  // namespace freshet
