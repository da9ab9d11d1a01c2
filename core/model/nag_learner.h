// A linear model that learns by normalised adaptive updates; the rule is in core/optimizer/nag.h.

#ifndef FRESHET_CORE_MODEL_NAG_LEARNER_H_
#define FRESHET_CORE_MODEL_NAG_LEARNER_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/state.h"
#include "core/feature/example_batch.h"
#include "core/loss/loss.h"
#include "core/model/example_row.h"
#include "core/model/label_range.h"
#include "core/model/lazy_regularizer.h"
#include "core/model/learner.h"
#include "core/model/linear_explanation.h"
#include "core/model/mean_norm.h"
#include "core/model/prefetcher.h"
#include "core/model/spec.h"
#include "core/model/table_learner.h"
#include "core/model/weight_table.h"
#include "core/optimizer/bounds.h"
#include "core/optimizer/nag.h"

namespace freshet {

// Scores are clipped to what the loss gives a meaning to. The intercept is a feature of value 1,
// whose rate is multiplied by intercept_learning_rate / learning_rate. l1 and l2 shrink all weights
// at every step; see lazy_regularizer.h. An example whose gradient is too small to move anything
// (h g^2 below 1e-30) changes no slot.
//
// Each example takes three passes over its slots: the score; Observe(), which grows G and s; and
// the step, whose size depends on the sum of all rates.
template <LossFunction Loss, typename Rule>
class NagLearner final : public TableLearner<NagLearner<Loss, Rule>, Loss, Rule> {
 public:
  using Slot = typename Rule::Slot;

  uint64_t CountZeroWeights() const override {
    const LazyRegularizer::Pull pull = regularizer_.pull();
    return table_.EstimateCount([&](const Slot& slot) { return pull.Of(slot.weight) == 0; });
  }

  void ReadWeights(uint32_t first_slot, std::span<TableWeight> weights) const override {
    const LazyRegularizer::Pull pull = regularizer_.pull();
    for (size_t i = 0; i < weights.size(); ++i) {
      weights[i] = WeightAt(first_slot + static_cast<uint32_t>(i), pull);
    }
  }

  Explanation Explain(const ExampleBatch& batch, size_t index) const override {
    return ExplainRowOf(batch, index, [&](const auto& row) {
      const LazyRegularizer::Pull pull = regularizer_.pull();
      Explanation explanation;
      AddContributions(
          row, [&](size_t i) { return WeightAt(table_.IndexOf(row.ids[i]), pull); }, explanation);
      const float stored = intercept_.Load().weight;
      const float intercept = options_.regularize_intercept ? pull.Of(stored) : stored;
      const float sum = SumOfWeights(row, intercept, explanation);
      SetScore(ScoreOf(sum), sum, intercept, explanation);
      return explanation;
    });
  }

  void SaveState(StateWriter& writer) const override {
    this->SaveSlots(writer, 0);
    norm_.SaveState(writer);
    label_range_.SaveState(writer);
    regularizer_.SaveState(writer);
  }
  absl::Status LoadState(StateReader& reader) override {
    uint32_t window_count = 0;
    absl::Status status = this->LoadSlots(reader, 0, &window_count);
    if (status.ok()) status = norm_.LoadState(reader);
    if (status.ok()) status = label_range_.LoadState(reader);
    if (status.ok()) status = regularizer_.LoadState(reader);
    return status;
  }

 private:
  using Base = TableLearner<NagLearner, Loss, Rule>;
  friend Base;
  using Base::intercept_;
  using Base::loss_;
  using Base::options_;
  using Base::rule_;
  using Base::schedule_;
  using Base::steps_taken_;
  using Base::table_;

  static constexpr double kMinSquare = 1e-30;
  static constexpr double kMaxScale = 1e30;

  // Of the features of one example, and of the intercept at the end.
  struct Columns {
    void Resize(size_t size) {
      if (size <= values.size()) return;
      for (auto* column : {&values, &square_sums, &scales, &rates, &gains, &norms}) {
        column->resize((size + 3) / 4 * 4);
      }
    }

    std::vector<float> values;
    std::vector<float> square_sums;
    std::vector<float> scales;
    std::vector<float> rates;
    std::vector<float> gains;
    std::vector<float> norms;
  };

  NagLearner(const Loss& loss, const NagOptions& rule, const LearnerSpec& spec,
             WeightTable<Slot> table)
      : Base(loss, rule, spec, std::move(table)),
        is_invariant_(rule.invariant),
        intercept_share_(static_cast<float>(
            std::min(spec.linear.intercept_learning_rate / spec.linear.learning_rate, 1e8))),
        label_range_(Loss::kScoreLimit),
        regularizer_(spec.linear.l1, spec.linear.l2) {}

  // The score before it is clipped. `load(i)` is what is stored for feature i, `intercept` for the
  // intercept.
  template <typename Row, typename Load>
  float Score(const Row& row, float intercept, const Load& load) const {
    if (!regularizer_.is_active()) {
      return SumOf(row.size, intercept, [&](size_t i) { return load(i) * row.Value(i); });
    }
    const LazyRegularizer::Pull pull = regularizer_.pull();
    const float first = options_.regularize_intercept ? pull.Of(intercept) : intercept;
    return SumOf(row.size, first, [&](size_t i) { return pull.Of(load(i)) * row.Value(i); });
  }

  // As readers see it.
  TableWeight WeightAt(uint32_t index, const LazyRegularizer::Pull& pull) const {
    const Slot slot = table_.Load(index);
    return {.weight = pull.Of(slot.weight), .evidence = EvidenceOf<Rule>(slot)};
  }

  // What becomes of a sum of weights times values.
  float ScoreOf(float sum) const { return std::isfinite(sum) ? label_range_.Clip(sum) : 0; }

  // Returns the score before the update.
  template <typename Row>
  float LearnRow(const Row& row, float label, float weight, Prefetcher<Slot>& ahead) {
    const HashedSlots<Slot> slots = table_.slots();
    const float sum = Score(row, intercept_.LoadOwn().weight, [&](size_t i) {
      return slots.LoadOwn(slots.IndexOf(row.ids[i])).weight;
    });
    ahead.FetchPart();
    const float score = ScoreOf(sum);
    if (weight == 0) return score;
    const float gradient = loss_.Gradient(score, label);
    const float size = row.MaxAbsValue();
    // False for NaN too: see bounds.h.
    if (!(std::abs(gradient) * std::max(weight, 1.0f) * size <= kMaxGradient) ||
        !(size <= kMaxValue) || !std::isfinite(sum)) {
      this->CountSkipped();
      return score;
    }
    label_range_.Observe(label);
    const double square = 1.0 * weight * gradient * gradient;
    if (square >= kMinSquare) {
      Step(row, score, label, weight, static_cast<float>(square), ahead);
    }
    steps_taken_.store(this->steps_taken() + 1, std::memory_order_relaxed);
    if (schedule_.observes_loss()) schedule_.Observe(loss_.Value(score, label), weight);
    return score;
  }

  template <typename Row>
  void Step(const Row& row, float score, float label, float weight, float square,
            Prefetcher<Slot>& ahead) {
    const size_t size = Observe(row, square);
    Columns& columns = columns_;
    rule_.ComputeRates(size, columns.values.data(), columns.square_sums.data(),
                       columns.scales.data(), columns.rates.data(), columns.gains.data(),
                       columns.norms.data());
    ahead.FetchPart();
    if (options_.intercept) {
      columns.rates[row.size] *= intercept_share_;
      columns.gains[row.size] *= intercept_share_;
    }
    const double correction = UpdateNorm(size, weight);
    const double gain = SumOfColumn(columns.gains.data(), size);
    const double sensitivity = std::min(correction * gain, kMaxScale);
    const double rate = options_.learning_rate * schedule_.Share(this->steps_taken());
    const double u = is_invariant_ ? loss_.ImportanceStep(score, label, rate * weight, sensitivity)
                                   : -loss_.Gradient(score, label) * rate * weight;
    const float scale = BoundedScale(u * correction);
    if (!regularizer_.is_active()) return Move(row, scale, scale);
    regularizer_.Advance(loss_.Gradient(score, label), u);
    const float stored_scale = BoundedScale(u * correction / regularizer_.contraction());
    Move(row, stored_scale, options_.regularize_intercept ? stored_scale : scale);
    if (regularizer_.IsDue()) Settle();
  }

  static float BoundedScale(double scale) {
    return static_cast<float>(std::min(std::max(scale, -kMaxScale), kMaxScale));
  }

  // Passes the features by the rule and fills in the columns; returns their size.
  template <typename Row>
  size_t Observe(const Row& row, float square) {
    const size_t size = row.size + (options_.intercept ? 1 : 0);
    columns_.Resize(size);
    // Copies, which the compiler need not load again after each store to a slot.
    const Rule rule = rule_;
    HashedSlots<Slot> slots = table_.slots();
    float* const values = columns_.values.data();
    float* const square_sums = columns_.square_sums.data();
    float* const scales = columns_.scales.data();
    // Returns whether the whole slot has changed.
    const auto observe = [=](size_t i, float value, Slot& slot) {
      const bool grew = rule.Observe(Rule::SizeOf(value), square, slot);
      values[i] = value;
      square_sums[i] = Rule::SquareSum(slot);
      scales[i] = Rule::Scale(slot);
      return grew;
    };
    for (size_t i = 0; i < row.size; ++i) {
      const uint32_t index = slots.IndexOf(row.ids[i]);
      Slot slot = slots.LoadOwn(index);
      if (observe(i, row.Value(i), slot)) {
        slots.Store(index, slot);
      } else {
        slots.StoreHead(index, slot);
      }
    }
    if (options_.intercept) {
      Slot slot = intercept_.LoadOwn();
      observe(row.size, 1, slot);
      intercept_.Store(slot);
    }
    return size;
  }

  // Counts the example in the mean norm; returns c.
  double UpdateNorm(size_t size, float weight) {
    if constexpr (!Rule::kNormalized) return 1;
    norm_.Add(SumOfColumn(columns_.norms.data(), size), weight);
    return rule_.Correction(norm_.norm_sum() / norm_.weight_sum());
  }

  // `scale` is that of the features.
  template <typename Row>
  void Move(const Row& row, float scale, float intercept_scale) {
    if (scale == 0) return;  // Times an infinite rate it would be NaN.
    HashedSlots<Slot> slots = table_.slots();
    const float* const rates = columns_.rates.data();
    for (size_t i = 0; i < row.size; ++i) {
      const uint32_t index = slots.IndexOf(row.ids[i]);
      Slot slot = slots.LoadOwn(index);
      slot.weight = BoundedWeight(slot.weight + scale * (rates[i] * row.Value(i)));
      slots.StoreHead(index, slot);
    }
    if (options_.intercept) {
      Slot slot = intercept_.LoadOwn();
      slot.weight = BoundedWeight(slot.weight + intercept_scale * rates[row.size]);
      intercept_.Store(slot);
    }
  }

  // Stores weights as they are. What readers see of it meanwhile is too small, never too large.
  void Settle() {
    const LazyRegularizer::Pull pull = regularizer_.pull();
    table_.VisitUsed([&](uint32_t index, Slot slot) {
      slot.weight = pull.Of(slot.weight);
      table_.StoreHead(index, slot);
    });
    if (options_.regularize_intercept) {
      Slot slot = intercept_.LoadOwn();
      slot.weight = pull.Of(slot.weight);
      intercept_.Store(slot);
    }
    regularizer_.Reset();
  }

  template <typename Row>
  float PredictRow(const Row& row, const typename Base::NoView& /*view*/) const {
    return ScoreOf(Score(row, intercept_.Load().weight,
                         [&](size_t i) { return table_.Load(table_.IndexOf(row.ids[i])).weight; }));
  }

  // Constant after construction.
  const bool is_invariant_;
  const float intercept_share_;  // The intercept's rate, as a share of the learning rate.

  // Written by the writer, read by readers.
  MeanNorm norm_;
  LabelRange label_range_;
  LazyRegularizer regularizer_;

  // Owned by the writer.
  Columns columns_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_NAG_LEARNER_H_
