// A learner whose weights a test chooses, and random weights for it.

#ifndef FRESHET_TESTS_SUPPORT_FIXED_LEARNER_H_
#define FRESHET_TESTS_SUPPORT_FIXED_LEARNER_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "core/model/learner.h"
#include "tests/support/plain_explanation.h"

namespace freshet {

// A learner with weights that are given at the start and never change.
class FixedLearner : public Learner {
 public:
  static constexpr float kIntercept = 0.5f;

  explicit FixedLearner(std::vector<float> weights) : weights_(std::move(weights)) {}

  void LearnBatch(const ExampleBatch& /*batch*/, std::span<float> /*scores*/) override {}
  void PredictBatch(const ExampleBatch& batch, std::span<float> scores) const override {
    for (size_t row = 0; row < batch.size(); ++row) {
      scores[row] = kIntercept;
      for (uint32_t i = batch.RowBegin(row); i < batch.RowEnd(row); ++i) {
        scores[row] += weights_[batch.feature_ids[i] % weights_.size()];
      }
    }
  }
  float Prediction(float score) const override { return score; }
  uint64_t example_count() const override { return 0; }
  uint64_t skipped_count() const override { return 0; }
  void SaveState(StateWriter& /*writer*/) const override {}
  absl::Status LoadState(StateReader& /*reader*/) override { return absl::OkStatus(); }
  uint64_t CountUsedSlots() const override { return 0; }
  uint64_t EstimateUsedSlots() const override { return 0; }
  void ForgetSlots(std::span<const uint32_t> /*indices*/) override {}
  uint64_t table_bytes() const override { return weights_.size() * sizeof(float); }
  uint64_t slot_count() const override { return weights_.size(); }
  void ReadWeights(uint32_t first_slot, std::span<TableWeight> weights) const override {
    ReadPlainWeights(*this, first_slot, weights);
  }
  Explanation Explain(const ExampleBatch& batch, size_t row) const override {
    return ExplainPlainly(*this, batch, row);
  }

 private:
  const std::vector<float> weights_;
};

// Multiples of 1/4, so that many are equal and sums of floats are exact.
inline std::vector<float> RandomWeights(uint32_t seed, size_t count = 4096) {
  std::mt19937 random(seed);
  std::vector<float> weights(count);
  for (float& weight : weights) {
    if (random() % 3 != 0) weight = static_cast<float>(static_cast<int>(random() % 200) - 100) / 4;
  }
  return weights;
}

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_FIXED_LEARNER_H_
