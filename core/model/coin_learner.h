// A linear model that learns by coin betting; the rule is in core/optimizer/coin.h.

#ifndef FRESHET_CORE_MODEL_COIN_LEARNER_H_
#define FRESHET_CORE_MODEL_COIN_LEARNER_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/state.h"
#include "core/feature/example_batch.h"
#include "core/loss/loss.h"
#include "core/loss/vw_loss.h"
#include "core/model/example_row.h"
#include "core/model/learner.h"
#include "core/model/linear_explanation.h"
#include "core/model/mean_norm.h"
#include "core/model/prediction_range.h"
#include "core/model/prefetcher.h"
#include "core/model/shared_numbers.h"
#include "core/model/spec.h"
#include "core/model/table_learner.h"
#include "core/model/weight_table.h"
#include "core/optimizer/bounds.h"
#include "core/optimizer/coin.h"

namespace freshet {

// The intercept is a feature of value 1; the initial intercept is added to every score. Learning
// rates, schedules, l1, l2 and clipping do not apply.
//
// A score is divided by the mean norm, which includes the example itself: at weight 1, or by later
// rules at its own weight (see LinearRules).
template <LossFunction Loss>
class CoinLearner final : public TableLearner<CoinLearner<Loss>, Loss, Coin> {
 public:
  using Slot = Coin::Slot;

  // The weights as they apply to an example whose norm equals the mean norm.
  void ReadWeights(uint32_t first_slot, std::span<TableWeight> weights) const override {
    const MeanNorm::Sums norm = shared_norm_.Load();
    const double mean = (norm.norm + kMinNormSum) / (norm.weight + kMinNormSum);
    this->ReadSlots(first_slot, weights, [&](const Slot& slot) {
      return TableWeight{.weight = static_cast<float>(rule_.Weight(slot, slot.scale) / mean),
                         .evidence = Coin::Evidence(slot)};
    });
  }

  // The weights as they apply to this example, that is, divided by the mean norm that includes it.
  Explanation Explain(const ExampleBatch& batch, size_t index) const override {
    return ExplainRowOf(batch, index, [&](const auto& row) {
      // Each slot is read only once, so that the score and its explanation are consistent.
      std::vector<Slot> slots;
      const auto reading = table_.Read();
      for (size_t i = 0; i < row.size; ++i) slots.push_back(reading.Load(row.ids[i]));
      slots.push_back(intercept_.Load());
      const Scored scored = Score(row, 1, shared_norm_.Load(), [&](size_t i) { return slots[i]; });
      const auto weight_of = [&](size_t i, float value) {
        const float scale = Coin::ScaleOf(slots[i], std::max(std::abs(value), kMinValue));
        return rule_.Weight(slots[i], scale) / scored.mean;
      };
      Explanation explanation;
      AddContributions(
          row,
          [&](size_t i) {
            return TableWeight{.weight = static_cast<float>(weight_of(i, row.Value(i))),
                               .evidence = Coin::Evidence(slots[i])};
          },
          explanation);
      const double intercept = options_.intercept ? weight_of(row.size, 1) : 0;
      SetScore(ScoreOf(scored.sum), scored.sum, intercept + offset_, explanation);
      return explanation;
    });
  }

  void SaveState(StateWriter& writer) const override {
    this->SaveSlots(writer, 0);
    norm_.SaveState(writer);
    range_.SaveState(writer);
  }
  absl::Status LoadState(StateReader& reader) override {
    uint32_t window_count = 0;
    absl::Status status = this->LoadSlots(reader, 0, &window_count);
    if (status.ok()) status = norm_.LoadState(reader);
    if (status.ok()) status = range_.LoadState(reader);
    shared_norm_.Store(norm_.sums());
    return status;
  }

 private:
  using Base = TableLearner<CoinLearner, Loss, Coin>;
  friend Base;
  using Base::intercept_;
  using Base::loss_;
  using Base::offset_;
  using Base::options_;
  using Base::rule_;
  using Base::schedule_;
  using Base::steps_taken_;
  using Base::table_;

  static constexpr bool kAsVw = std::is_same_v<Loss, VwLoss>;
  // Keeps the mean norm above 0 when examples have no features.
  static constexpr double kMinNormSum = 1e-6;

  struct Scored {
    float sum;  // The score before clipping; may be infinite or NaN.
    float norm;
    double mean;  // The mean norm, including this example.
  };

  CoinLearner(const Loss& loss, const Coin::Options& rule, const LearnerSpec& spec,
              WeightTable<Slot> table)
      : Base(loss, rule, spec, std::move(table)), range_(Base::RangeOf(this->loss_kind(), spec)) {}

  // The score for a sum: clipped, or 0 if the sum is not finite.
  float ScoreOf(float sum) const { return std::isfinite(sum) ? range_.Clip(sum) : 0; }

  // `weight` is that of the example in the mean norm. `before` holds the sums over the examples
  // before this one. load(i) returns the slot of feature i, and load(row.size) that of the
  // intercept.
  template <typename Row, typename Load>
  Scored Score(const Row& row, double weight, const MeanNorm::Sums& before,
               const Load& load) const {
    const size_t size = row.size + (options_.intercept ? 1 : 0);
    float sums[2] = {0, 0};
    float norms[2] = {0, 0};
    for (size_t i = 0; i < size; ++i) {
      const Slot slot = load(i);
      const float value = i < row.size ? row.Value(i) : 1.0f;
      const float value_size = std::max(std::abs(value), kMinValue);
      const float scale = Coin::ScaleOf(slot, value_size);
      const float share = value_size / scale;
      sums[i % 2] += rule_.Weight(slot, scale) * value;
      norms[i % 2] += share * share;
    }
    const float norm = norms[0] + norms[1];
    const double mean = (before.norm + weight * norm + kMinNormSum) / (before.weight + weight);
    return {.sum = offset_ + static_cast<float>((sums[0] + sums[1]) / mean),
            .norm = norm,
            .mean = mean};
  }

  // Returns the score before the update.
  template <typename Row>
  float LearnRow(const Row& row, float label, float weight, Prefetcher<Slot>& ahead) {
    const bool has_own_weight = range_.is_limited() && weight > 0;
    const auto [sum, norm, mean] =
        Score(row, has_own_weight ? weight : 1, norm_.sums(), [&](size_t i) {
          return i < row.size ? table_.LoadOwn(table_.IndexOf(row.ids[i])) : intercept_.LoadOwn();
        });
    ahead.FetchPart();
    if (kAsVw || weight != 0) range_.Observe(label);
    const float score = ScoreOf(sum);
    if (weight == 0) return score;
    const float gradient = loss_.Gradient(score, label) * weight;
    const float size = row.MaxAbsValue();
    // False for NaN too: see bounds.h.
    if (!(std::abs(gradient) * size <= kMaxGradient) || !(size <= kMaxValue) ||
        !std::isfinite(sum)) {
      this->CountSkipped();
      return score;
    }
    norm_.Set(norm_.With(norm, weight));
    shared_norm_.Store(norm_.sums());
    ahead.FetchPart();
    for (size_t i = 0; i < row.size; ++i) {
      const uint32_t index = table_.IndexOf(row.ids[i]);
      Slot slot = table_.LoadOwn(index);
      rule_.Step(gradient, row.Value(i), slot);
      table_.Store(index, slot);
    }
    if (options_.intercept) {
      Slot slot = intercept_.LoadOwn();
      rule_.Step(gradient, 1, slot);
      intercept_.Store(slot);
    }
    steps_taken_.store(this->steps_taken() + 1, std::memory_order_relaxed);
    if (schedule_.observes_loss()) schedule_.Observe(loss_.Value(score, label), weight);
    return score;
  }

  template <typename Row>
  float PredictRow(const Row& row, const HashedSlots<Slot>& slots,
                   const typename Base::NoView& /*view*/) const {
    return ScoreOf(Score(row, 1, shared_norm_.Load(), [&](size_t i) {
                     return i < row.size ? slots.Load(slots.IndexOf(row.ids[i]))
                                         : intercept_.Load();
                   }).sum);
  }

  // Owned by the writer.
  MeanNorm norm_;

  // Written by the writer, read by readers.
  PredictionRange range_;
  SharedNumbers<MeanNorm::Sums> shared_norm_{MeanNorm::Sums{}};
};

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_COIN_LEARNER_H_
