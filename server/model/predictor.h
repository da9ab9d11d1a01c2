// What a model predicts with.

#ifndef FRESHET_SERVER_MODEL_PREDICTOR_H_
#define FRESHET_SERVER_MODEL_PREDICTOR_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/feature/example_batch.h"
#include "core/feature/feature_expander.h"
#include "core/loss/loss_kind.h"
#include "core/model/learner.h"
#include "freshet/v1/learner.pb.h"
#include "server/thread/published.h"
#include "server/view/model_state.h"

namespace freshet {

// The learners of a model as they are now, for readers: they take no lock, and wait for nobody.
// Thread-safe, but for Publish().
class Predictor {
 public:
  // `champion` is the spec of that learner.
  explicit Predictor(const v1::LearnerSpec& champion);

  // Lets readers see the state. Called after each record, by one thread at a time.
  void Publish(const ModelState& state);

  LossKind loss() const { return loss_; }
  // What adds to an example's features, for BatchLimits; null: nothing.
  const FeatureExpander* expander() const { return expander_.get(); }
  // Of a variant, in the order of the spec; the first is the champion. REQUIRES: there was a
  // Publish(); the spec has the variant.
  std::shared_ptr<const Learner> learner(size_t variant) const {
    return (*learners_.Load())[variant];
  }
  std::shared_ptr<const Learner> champion() const { return learner(0); }
  // The champion includes at least that many records.
  uint64_t offset() const { return offset_.load(std::memory_order_acquire); }

  // The champion at one moment, for who predicts a batch piece by piece.
  struct View {
    std::shared_ptr<const Learner> champion;
    uint64_t offset = 0;  // It includes at least that many records.
  };
  // REQUIRES: there was a Publish().
  View Now() const;

  // Served scores and predictions. REQUIRES: the sizes of all three agree; `view` is Now()'s.
  void Predict(const View& view, const ExampleBatch& examples, std::span<float> scores,
               std::span<float> predictions) const;

  // The score that is served for a learner's: corrected where negatives are down-sampled.
  float ServedScore(float score) const { return score + score_correction_; }

 private:
  Published<const std::vector<std::shared_ptr<const Learner>>> learners_;
  std::atomic<uint64_t> offset_{0};

  const std::unique_ptr<const FeatureExpander> expander_;
  const LossKind loss_;
  const float score_correction_;

  // Owned by who calls Publish(): the champion among learners_, which keep it alive.
  const Learner* published_champion_ = nullptr;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_MODEL_PREDICTOR_H_
