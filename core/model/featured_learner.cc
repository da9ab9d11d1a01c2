#include "core/model/featured_learner.h"

namespace freshet {

ExampleBatch FeaturedLearner::Expanded(const ExampleBatch& batch, size_t begin, size_t end,
                                       const FeatureColumns& columns) const {
  ExampleBatch expanded;
  expanded.row_ends = columns.row_ends();
  if (!batch.labels.empty()) expanded.labels = batch.labels.subspan(begin, end - begin);
  if (!batch.weights.empty()) expanded.weights = batch.weights.subspan(begin, end - begin);
  expanded.feature_ids = columns.id_column();
  if (!batch.values.empty() || !expander_.keeps_unit_values()) {
    expanded.values = columns.value_column();
  }
  return expanded;
}

void FeaturedLearner::LearnBatch(const ExampleBatch& batch, std::span<float> scores) {
  expander_.MakePlan(batch, plan_);
  if (expander_.standardizes()) {
    for (size_t row = 0; row < batch.size(); ++row) scores[row] = LearnRow(batch, row);
    return;
  }
  for (size_t begin = 0; begin < batch.size();) {
    columns_.Clear();
    size_t end = begin;
    while (end < batch.size() && columns_.size() < kFullFeatures) {
      expander_.AppendRow(batch, end, plan_, columns_);
      if (batch.Weight(end) > 0) expander_.Observe(batch, end, plan_);
      ++end;
    }
    learner_->LearnBatch(Expanded(batch, begin, end, columns_), scores.subspan(begin, end - begin));
    begin = end;
  }
}

float FeaturedLearner::LearnRow(const ExampleBatch& batch, size_t row) {
  columns_.Clear();
  expander_.AppendRow(batch, row, plan_, columns_);
  float score = 0;
  if (batch.Weight(row) == 0) {
    learner_->LearnBatch(Expanded(batch, row, row + 1, columns_), {&score, 1});
    return score;
  }
  learner_->PredictBatch(Expanded(batch, row, row + 1, columns_), {&score, 1});
  expander_.Observe(batch, row, plan_);
  columns_.Clear();
  expander_.AppendRow(batch, row, plan_, columns_);
  float score_as_learned = 0;
  learner_->LearnBatch(Expanded(batch, row, row + 1, columns_), {&score_as_learned, 1});
  return score;
}

void FeaturedLearner::PredictBatch(const ExampleBatch& batch, std::span<float> scores) const {
  FeatureExpander::Plan plan;
  FeatureColumns columns;
  expander_.MakePlan(batch, plan);
  for (size_t begin = 0; begin < batch.size();) {
    columns.Clear();
    size_t end = begin;
    while (end < batch.size() && columns.size() < kFullFeatures) {
      expander_.AppendRow(batch, end++, plan, columns);
    }
    learner_->PredictBatch(Expanded(batch, begin, end, columns),
                           scores.subspan(begin, end - begin));
    begin = end;
  }
}

Explanation FeaturedLearner::Explain(const ExampleBatch& batch, size_t row) const {
  FeatureExpander::Plan plan;
  FeatureColumns columns;
  expander_.MakePlan(batch, plan);
  expander_.AppendRow(batch, row, plan, columns);
  return learner_->Explain(Expanded(batch, row, row + 1, columns), 0);
}

void FeaturedLearner::SaveState(StateWriter& writer) const {
  learner_->SaveState(writer);
  expander_.SaveState(writer);
}

absl::Status FeaturedLearner::LoadState(StateReader& reader) {
  absl::Status status = learner_->LoadState(reader);
  return status.ok() ? expander_.LoadState(reader) : status;
}

}  // namespace freshet
