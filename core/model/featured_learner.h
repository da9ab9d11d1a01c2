// A learner of features that are made of those of the examples.

#ifndef FRESHET_CORE_MODEL_FEATURED_LEARNER_H_
#define FRESHET_CORE_MODEL_FEATURED_LEARNER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "absl/status/status.h"
#include "core/base/state.h"
#include "core/feature/example_batch.h"
#include "core/feature/feature_columns.h"
#include "core/feature/feature_expander.h"
#include "core/model/learner.h"

namespace freshet {

// Expands examples and hands them to another learner. What is made of an example depends on the
// examples before it; where numbers are standardised, an example is predicted as those before it
// say, and learned as they and it say. An example of weight 0 is predicted, and changes nothing.
class FeaturedLearner final : public Learner {
 public:
  FeaturedLearner(const FeatureOptions& options, std::unique_ptr<Learner> learner)
      : expander_(options), learner_(std::move(learner)) {}

  void LearnBatch(const ExampleBatch& batch, std::span<float> scores) override;
  void PredictBatch(const ExampleBatch& batch, std::span<float> scores) const override;

  float Prediction(float score) const override { return learner_->Prediction(score); }
  uint64_t example_count() const override { return learner_->example_count(); }
  uint64_t skipped_count() const override { return learner_->skipped_count(); }

  // That of the other learner, and what was learned of features.
  void SaveState(StateWriter& writer) const override;
  absl::Status LoadState(StateReader& reader) override;

  uint64_t CountUsedSlots() const override { return learner_->CountUsedSlots(); }
  uint64_t CountZeroWeights() const override { return learner_->CountZeroWeights(); }
  uint64_t table_bytes() const override { return learner_->table_bytes(); }
  uint64_t slot_count() const override { return learner_->slot_count(); }
  void ReadWeights(uint32_t first_slot, std::span<TableWeight> weights) const override {
    learner_->ReadWeights(first_slot, weights);
  }
  // By the features that the other learner sees.
  Explanation Explain(const ExampleBatch& batch, size_t row) const override;

 private:
  // Rows are handed over when they have this many features, so that memory is bounded.
  static constexpr size_t kFullFeatures = size_t{1} << 17;

  // The rows [begin, end) of `batch` as `columns` has them.
  ExampleBatch Expanded(const ExampleBatch& batch, size_t begin, size_t end,
                        const FeatureColumns& columns) const;

  // Learns a row that is predicted and learned in different forms; returns its score.
  float LearnRow(const ExampleBatch& batch, size_t row);

  // Written by the writer, read by readers.
  FeatureExpander expander_;
  const std::unique_ptr<Learner> learner_;

  // Owned by the writer.
  FeatureExpander::Plan plan_;
  FeatureColumns columns_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_FEATURED_LEARNER_H_
