// What a prediction is made with.

#ifndef FRESHET_SERVER_VIEW_SERVED_VARIANT_H_
#define FRESHET_SERVER_VIEW_SERVED_VARIANT_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>

#include "core/feature/example_batch.h"
#include "core/feature/feature_expander.h"
#include "core/loss/loss_kind.h"
#include "core/model/learner.h"
#include "freshet/v1/learner.pb.h"
#include "server/stats/prediction_counters.h"

namespace freshet {

// A variant as readers see it: a learner, and what belongs to it. Nothing here is replaced, while
// the learner's weights go on being learned: a reader that holds the bundle predicts with one
// learner, its features and its correction, whatever the model is put back to meanwhile.
//
// Thread-safe; owned by all who hold it.
struct ServedVariant {
  std::shared_ptr<const Learner> learner;
  v1::LearnerSpec spec;  // Of the learner, with all defaults filled in.
  LossKind loss{};
  // What adds to an example's features, for BatchLimits; null: nothing.
  std::shared_ptr<const FeatureExpander> expander;
  const std::shared_ptr<PredictionCounters> counters = std::make_shared<PredictionCounters>();
  // Added to the learner's score; not 0 where negatives are down-sampled.
  float score_correction = 0;

  float ServedScore(float score) const { return score + score_correction; }

  // Served scores and predictions, one a row. REQUIRES: the sizes of all three agree.
  void Predict(const ExampleBatch& examples, std::span<float> scores,
               std::span<float> predictions) const {
    learner->PredictBatch(examples, scores);
    for (float& score : scores) score = ServedScore(score);
    std::transform(scores.begin(), scores.end(), predictions.begin(),
                   [this](float score) { return learner->Prediction(score); });
  }
};

// A variant at one moment.
struct VariantView {
  std::shared_ptr<const ServedVariant> variant;
  uint64_t offset = 0;  // It includes at least that many records.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_VIEW_SERVED_VARIANT_H_
