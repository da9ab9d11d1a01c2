#include "core/model/featured_learner.h"

namespace freshet {

absl::StatusOr<std::unique_ptr<Learner>> FeaturedLearner::Create(const FeatureOptions& options,
                                                                 int bits,
                                                                 std::unique_ptr<Learner> learner) {
  std::optional<Admission> admission;
  if (options.admit_after > 1) {
    absl::StatusOr<Admission> created =
        Admission::Create({.bits = bits,
                           .threshold = options.admit_after,
                           .lifetime_examples = options.expire_after_examples});
    if (!created.ok()) return created.status();
    admission.emplace(*std::move(created));
  }
  std::optional<SlotAges> ages;
  if (options.expire_after_examples > 0) {
    absl::StatusOr<SlotAges> created = SlotAges::Create(bits, options.expire_after_examples);
    if (!created.ok()) return created.status();
    ages.emplace(*std::move(created));
  }
  return std::unique_ptr<Learner>(
      new FeaturedLearner(options, std::move(learner), std::move(admission), std::move(ages)));
}

ExampleBatch FeaturedLearner::Expanded(const ExampleBatch& batch, size_t begin, size_t end,
                                       const FeatureColumns& columns) const {
  ExampleBatch expanded;
  expanded.row_ends = columns.row_ends();
  if (!batch.labels.empty()) expanded.labels = batch.labels.subspan(begin, end - begin);
  if (!batch.weights.empty()) expanded.weights = batch.weights.subspan(begin, end - begin);
  expanded.feature_ids = columns.id_column();
  expanded.offsets = columns.offsets();
  if (!batch.values.empty() || !expander_.keeps_unit_values()) {
    expanded.values = columns.value_column();
  }
  return expanded;
}

void FeaturedLearner::AppendPredicted(const ExampleBatch& batch, size_t row,
                                      FeatureExpander::Plan& plan, FeatureColumns& columns) const {
  expander_.AppendRow(batch, row, plan, columns);
  if (admission_) columns.Filter([this](uint32_t id) { return admission_->IsAdmitted(id); });
  columns.EndRow();
}

bool FeaturedLearner::AppendLearned(const ExampleBatch& batch, size_t row) {
  expander_.AppendRow(batch, row, plan_, columns_);
  if (admission_) {
    columns_.Filter([this](uint32_t id) { return admission_->Count(id); });
    admission_->EndExample();
  }
  if (ages_) {
    for (size_t i = columns_.row_begin(); i < columns_.size(); ++i) {
      ages_->Touch(columns_.id_column()[i]);
    }
  }
  if (columns_.is_cut()) expander_.CountCut();
  columns_.EndRow();
  return ages_ && ages_->EndExample();
}

void FeaturedLearner::LearnBatch(const ExampleBatch& batch, std::span<float> scores) {
  expander_.MakePlan(batch, plan_);
  if (expander_.standardizes()) {
    for (size_t row = 0; row < batch.size(); ++row) scores[row] = LearnRow(batch, row);
  } else {
    for (size_t begin = 0; begin < batch.size();) begin = LearnRows(batch, begin, scores);
  }
}

size_t FeaturedLearner::LearnRows(const ExampleBatch& batch, size_t begin,
                                  std::span<float> scores) {
  columns_.Clear();
  size_t end = begin;
  bool may_expire = false;
  for (; end < batch.size() && columns_.size() < kFullFeatures && !may_expire; ++end) {
    if (batch.Weight(end) == 0) {
      AppendPredicted(batch, end, plan_, columns_);
    } else {
      may_expire = AppendLearned(batch, end);
      expander_.Observe(batch, end, plan_);
    }
  }
  learner_->LearnBatch(Expanded(batch, begin, end, columns_), scores.subspan(begin, end - begin));
  if (may_expire) ForgetExpired();
  return end;
}

float FeaturedLearner::LearnRow(const ExampleBatch& batch, size_t row) {
  columns_.Clear();
  AppendPredicted(batch, row, plan_, columns_);
  float score = 0;
  if (batch.Weight(row) == 0) {
    learner_->LearnBatch(Expanded(batch, row, row + 1, columns_), {&score, 1});
    return score;
  }
  learner_->PredictBatch(Expanded(batch, row, row + 1, columns_), {&score, 1});
  expander_.Observe(batch, row, plan_);
  columns_.Clear();
  const bool may_expire = AppendLearned(batch, row);
  float score_as_learned = 0;
  learner_->LearnBatch(Expanded(batch, row, row + 1, columns_), {&score_as_learned, 1});
  if (may_expire) ForgetExpired();
  return score;
}

void FeaturedLearner::CorrectBatch(const ExampleBatch& batch, std::span<const float> old_labels,
                                   std::span<float> scores) {
  if (!supports_corrections()) return PredictBatch(batch, scores);
  expander_.MakePlan(batch, plan_);
  for (size_t begin = 0; begin < batch.size();) {
    columns_.Clear();
    size_t end = begin;
    while (end < batch.size() && columns_.size() < kFullFeatures) AppendCorrected(batch, end++);
    learner_->CorrectBatch(Expanded(batch, begin, end, columns_),
                           old_labels.subspan(begin, end - begin),
                           scores.subspan(begin, end - begin));
    begin = end;
  }
}

void FeaturedLearner::AppendCorrected(const ExampleBatch& batch, size_t row) {
  expander_.AppendRow(batch, row, plan_, columns_);
  if (admission_) columns_.Filter([this](uint32_t id) { return admission_->IsAdmitted(id); });
  if (ages_) columns_.Filter([this](uint32_t id) { return ages_->IsTouched(id); });
  columns_.EndRow();
}

void FeaturedLearner::ForgetExpired() {
  ages_->TakeExpired(expired_);
  learner_->ForgetSlots(expired_);
}

void FeaturedLearner::PredictBatch(const ExampleBatch& batch, std::span<float> scores) const {
  FeatureExpander::Plan plan;
  FeatureColumns columns;
  expander_.MakePlan(batch, plan);
  for (size_t begin = 0; begin < batch.size();) {
    columns.Clear();
    size_t end = begin;
    while (end < batch.size() && columns.size() < kFullFeatures) {
      AppendPredicted(batch, end++, plan, columns);
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
  AppendPredicted(batch, row, plan, columns);
  return learner_->Explain(Expanded(batch, row, row + 1, columns), 0);
}

void FeaturedLearner::SaveState(StateWriter& writer) const {
  learner_->SaveState(writer);
  expander_.SaveState(writer);
  if (admission_) admission_->SaveState(writer);
  if (ages_) ages_->SaveState(writer);
}

absl::Status FeaturedLearner::LoadState(StateReader& reader) {
  absl::Status status = learner_->LoadState(reader);
  if (status.ok()) status = expander_.LoadState(reader);
  if (status.ok() && admission_) status = admission_->LoadState(reader);
  if (status.ok() && ages_) status = ages_->LoadState(reader);
  return status;
}

}  // namespace freshet
