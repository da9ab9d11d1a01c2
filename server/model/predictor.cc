#include "server/model/predictor.h"

#include <algorithm>

#include "server/view/feature_spec.h"
#include "server/view/learner_spec.h"

namespace freshet {
namespace {

std::unique_ptr<const FeatureExpander> MakeExpander(const v1::LearnerSpec& learner) {
  const FeatureOptions options = FeatureOptionsOf(learner.features());
  return options.adds_features() ? std::make_unique<const FeatureExpander>(options) : nullptr;
}

}  // namespace

Predictor::Predictor(const v1::LearnerSpec& champion)
    : expander_(MakeExpander(champion)),
      loss_(LossKindOf(champion)),
      score_correction_(ScoreCorrectionOf(champion)) {}

void Predictor::Publish(const ModelState& state) {
  // A restore replaces all variants at once; nothing else replaces any.
  if (published_champion_ != &state.champion_now()) {
    published_champion_ = &state.champion_now();
    learners_.Store(
        std::make_shared<const std::vector<std::shared_ptr<const Learner>>>(state.learners()));
  }
  offset_.store(state.offset(), std::memory_order_release);
}

Predictor::View Predictor::Now() const {
  const uint64_t now = offset();  // First: the champion then has all of these records.
  return {.champion = champion(), .offset = now};
}

void Predictor::Predict(const View& view, const ExampleBatch& examples, std::span<float> scores,
                        std::span<float> predictions) const {
  view.champion->PredictBatch(examples, scores);
  for (float& score : scores) score = ServedScore(score);
  std::transform(scores.begin(), scores.end(), predictions.begin(),
                 [&view](float score) { return view.champion->Prediction(score); });
}

}  // namespace freshet
