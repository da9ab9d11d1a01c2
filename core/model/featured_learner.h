// A learner that transforms the features of examples before it learns from them.

#ifndef FRESHET_CORE_MODEL_FEATURED_LEARNER_H_
#define FRESHET_CORE_MODEL_FEATURED_LEARNER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/state.h"
#include "core/feature/admission.h"
#include "core/feature/example_batch.h"
#include "core/feature/feature_columns.h"
#include "core/feature/feature_expander.h"
#include "core/feature/feature_options.h"
#include "core/feature/slot_ages.h"
#include "core/model/learner.h"

namespace freshet {

// Expands examples (see FeatureExpander) and passes them on to another learner, leaving out
// features that have not been seen often enough. Makes that learner forget features that have not
// been seen for a long time. How an example is expanded depends on the examples before it. If
// numbers are standardised, an example is predicted with the means and deviations from before it,
// and learned with those that include it. An example of weight 0 is predicted, but changes nothing.
class FeaturedLearner final : public Learner {
 public:
  // Takes ownership of `learner`, which must have a table of 2^bits slots. RESOURCE_EXHAUSTED if
  // there is not enough memory.
  static absl::StatusOr<std::unique_ptr<Learner>> Create(const FeatureOptions& options, int bits,
                                                         std::unique_ptr<Learner> learner);

  void LearnBatch(const ExampleBatch& batch, std::span<float> scores) override;
  void PredictBatch(const ExampleBatch& batch, std::span<float> scores) const override;

  // Expands a row as for a prediction of now: a correction is no further sighting of its features.
  // Features that have been forgotten since the row was learned are left out, since what was
  // learned of them is gone. A feature that was not admitted then and is now gets the correction
  // alone; there are fewer than admit_after such rows for a feature.
  bool supports_corrections() const override { return learner_->supports_corrections(); }
  void CorrectBatch(const ExampleBatch& batch, std::span<const float> old_labels,
                    std::span<float> scores) override;

  float Prediction(float score) const override { return learner_->Prediction(score); }
  uint64_t example_count() const override { return learner_->example_count(); }
  uint64_t skipped_count() const override { return learner_->skipped_count(); }
  uint64_t cut_count() const override { return expander_.cut_count(); }

  std::vector<MixturePart> Mixture() const override { return learner_->Mixture(); }

  // Saves the state of the other learner, then that of the feature transforms.
  void SaveState(StateWriter& writer) const override;
  absl::Status LoadState(StateReader& reader) override;

  uint64_t CountUsedSlots() const override { return learner_->CountUsedSlots(); }
  uint64_t CountZeroWeights() const override { return learner_->CountZeroWeights(); }
  uint64_t EstimateUsedSlots() const override { return learner_->EstimateUsedSlots(); }
  void ForgetSlots(std::span<const uint32_t> indices) override { learner_->ForgetSlots(indices); }
  uint64_t table_bytes() const override { return learner_->table_bytes(); }
  uint64_t slot_count() const override { return learner_->slot_count(); }
  void ReadWeights(uint32_t first_slot, std::span<TableWeight> weights) const override {
    learner_->ReadWeights(first_slot, weights);
  }
  // Explains the score by the expanded features, as the other learner sees them.
  Explanation Explain(const ExampleBatch& batch, size_t row) const override;

 private:
  // Rows are passed on once they have this many features, so that memory is bounded.
  static constexpr size_t kFullFeatures = size_t{1} << 17;

  FeaturedLearner(const FeatureOptions& options, std::unique_ptr<Learner> learner,
                  std::optional<Admission> admission, std::optional<SlotAges> ages)
      : expander_(options),
        learner_(std::move(learner)),
        admission_(std::move(admission)),
        ages_(std::move(ages)) {}

  // The rows [begin, end) of `batch` with the features in `columns`.
  ExampleBatch Expanded(const ExampleBatch& batch, size_t begin, size_t end,
                        const FeatureColumns& columns) const;

  // Appends a row to `columns` with the expanded features from which to predict.
  void AppendPredicted(const ExampleBatch& batch, size_t row, FeatureExpander::Plan& plan,
                       FeatureColumns& columns) const;
  // Appends a row to columns_ with the expanded features from which to learn. True if slots may
  // expire after this row.
  bool AppendLearned(const ExampleBatch& batch, size_t row);

  // Learns rows from `begin` on; returns the end of those learned.
  size_t LearnRows(const ExampleBatch& batch, size_t begin, std::span<float> scores);
  // Learns a row whose features differ between prediction and learning, because numbers are
  // standardised. Returns its score.
  float LearnRow(const ExampleBatch& batch, size_t row);
  void ForgetExpired();

  // Appends a row to columns_ with the expanded features whose label is corrected.
  void AppendCorrected(const ExampleBatch& batch, size_t row);

  // Written by the writer, read by readers.
  FeatureExpander expander_;
  const std::unique_ptr<Learner> learner_;
  std::optional<Admission> admission_;

  // Owned by the writer.
  std::optional<SlotAges> ages_;
  FeatureExpander::Plan plan_;
  FeatureColumns columns_;
  std::vector<uint32_t> expired_;  // Scratch.
};

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_FEATURED_LEARNER_H_
