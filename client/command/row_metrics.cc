#include "client/command/row_metrics.h"

#include <cmath>
#include <utility>

namespace freshet {
namespace {

LossKind VwKindOf(const v1::LearnerSpec& learner) {
  if (learner.vowpal_wabbit().binary()) return LossKind::kZeroOne;
  switch (learner.loss()) {
    case v1::LOSS_LOGISTIC:
      return LossKind::kShareLogistic;
    case v1::LOSS_HINGE:
      return LossKind::kMarginHinge;
    case v1::LOSS_POISSON:
      return LossKind::kDeviance;
    case v1::LOSS_QUANTILE:
      return LossKind::kQuantile;
    default:
      return learner.vowpal_wabbit().has_expectile_q() ? LossKind::kExpectile : LossKind::kSquared;
  }
}

LossKind KindOf(const v1::LearnerSpec& learner) {
  if (learner.has_vowpal_wabbit()) return VwKindOf(learner);
  switch (learner.loss()) {
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
  ProgressiveMetrics::Options options{.loss = KindOf(learner)};
  if (learner.has_quantile_tau()) options.quantile_tau = learner.quantile_tau();
  if (learner.vowpal_wabbit().has_expectile_q()) {
    options.quantile_tau = learner.vowpal_wabbit().expectile_q();
  }
  if (learner.has_negative_sampling_rate()) {
    options.negative_sampling_rate = learner.negative_sampling_rate();
  }
  return options;
}

}  // namespace

bool HasTwoLabels(const v1::LearnerSpec& learner) {
  return !learner.has_vowpal_wabbit() &&
         (learner.loss() == v1::LOSS_LOGISTIC || learner.loss() == v1::LOSS_HINGE);
}

bool HasHalfLabels(const v1::LearnerSpec& learner) {
  return learner.has_vowpal_wabbit() && learner.loss() == v1::LOSS_LOGISTIC;
}

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

void PushMetrics::Expect(const ExampleBatch& rows, std::span<const HeldOutRow> held_out) {
  const SteadyLock lock(&mu_);
  for (size_t row = 0; row < rows.size(); ++row) {
    if (!held_out.empty() && held_out.front().row == row) {
      expected_.push_back(
          {held_out.front().label, held_out.front().weight, held_out.front().epoch});
      held_out = held_out.subspan(1);
    } else {
      expected_.push_back({rows.labels[row], rows.Weight(row), std::nullopt});
    }
  }
}

void PushMetrics::Take(std::span<const float> scores) {
  const SteadyLock lock(&mu_);
  labels_.clear();
  weights_.clear();
  for (size_t row = 0; row < scores.size(); ++row) {
    const Row& expected = expected_[row];
    labels_.push_back(expected.label);
    weights_.push_back(expected.held_out_epoch ? 0 : expected.weight);
    if (!expected.held_out_epoch) continue;
    while (holdout_.size() <= *expected.held_out_epoch) holdout_.emplace_back(learner_);
    holdout_[*expected.held_out_epoch].Add(scores.subspan(row, 1), {&expected.label, 1},
                                           {&expected.weight, 1});
  }
  expected_.erase(expected_.begin(),
                  expected_.begin() + static_cast<std::ptrdiff_t>(scores.size()));
  metrics_.Add(scores, labels_, weights_);
}

std::optional<HoldoutFigures> PushMetrics::Holdout() const {
  constexpr uint32_t kPatience = 3;
  const SteadyLock lock(&mu_);
  std::optional<HoldoutFigures> best;
  for (uint32_t epoch = 0; epoch < holdout_.size(); ++epoch) {
    if (best && epoch > best->epoch + kPatience) break;
    ProgressiveFigures figures = holdout_[epoch].Figures();
    if (figures.example_count == 0 || (best && figures.loss >= best->figures.loss)) continue;
    best = {.figures = std::move(figures), .epoch = epoch};
  }
  return best;
}

ProgressiveFigures PushMetrics::Figures() const {
  const SteadyLock lock(&mu_);
  return metrics_.Figures();
}

}  // namespace freshet
