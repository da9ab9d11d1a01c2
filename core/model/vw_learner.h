// A linear model that learns by Vowpal Wabbit's gradient descent; the rule is in
// core/optimizer/vw_descent.h. Models that follow Vowpal Wabbit with FTRL or coin betting use
// LinearLearner and CoinLearner.

#ifndef FRESHET_CORE_MODEL_VW_LEARNER_H_
#define FRESHET_CORE_MODEL_VW_LEARNER_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/state.h"
#include "core/feature/example_batch.h"
#include "core/feature/letter_features.h"
#include "core/loss/vw_loss.h"
#include "core/model/example_row.h"
#include "core/model/lazy_regularizer.h"
#include "core/model/learner.h"
#include "core/model/linear_explanation.h"
#include "core/model/mean_norm.h"
#include "core/model/prediction_range.h"
#include "core/model/prefetcher.h"
#include "core/model/spec.h"
#include "core/model/table_learner.h"
#include "core/model/weight_table.h"
#include "core/optimizer/bounds.h"
#include "core/optimizer/vw_descent.h"

namespace freshet {

// There is no intercept: the constant is a feature like others, which LetterFeatures adds. l1 and
// l2 shrink all weights at every step; see lazy_regularizer.h. Scores are clipped; see
// prediction_range.h. An example of loss 0 in single precision is not learned. `sparse_l2` lowers
// the step of an example by sparse_l2 times its score.
template <typename Rule>
class VwLearner final : public TableLearner<VwLearner<Rule>, VwLoss, Rule> {
 public:
  using Slot = typename Rule::Slot;

  uint64_t CountZeroWeights() const override {
    return regularizer_.Read([&](RegularizerView& view) {
      return table_.EstimateCount([&](const auto& slots, uint32_t index, const Slot& /*slot*/) {
        return SharedWeight(slots, index, view) == 0;
      });
    });
  }

  void ReadWeights(uint32_t first_slot, std::span<TableWeight> weights) const override {
    regularizer_.Read([&](RegularizerView& view) {
      const auto reading = table_.Read();
      for (size_t i = 0; i < weights.size(); ++i) {
        const uint32_t index = reading.IndexOf(first_slot + static_cast<uint32_t>(i));
        weights[i] = WeightAt(reading.slots(), index, view);
      }
      return true;
    });
  }

  Explanation Explain(const ExampleBatch& batch, size_t index) const override {
    return ExplainRowOf(batch, index, [&](const auto& row) {
      return regularizer_.Read([&](RegularizerView& view) {
        const auto reading = table_.Read();
        Explanation explanation;
        AddContributions(
            row,
            [&](size_t i) { return WeightAt(reading.slots(), reading.IndexOf(row.ids[i]), view); },
            explanation);
        const float sum = SumOfWeights(row, row.offset, explanation);
        SetScore(ScoreOf(sum), sum, row.offset, explanation);
        return explanation;
      });
    });
  }

  void SaveState(StateWriter& writer) const override {
    this->SaveSlots(writer, 0);
    norm_.SaveState(writer);
    range_.SaveState(writer);
    regularizer_.SaveState(writer);
    writer.WriteValue(t_);
  }
  absl::Status LoadState(StateReader& reader) override {
    uint32_t window_count = 0;
    absl::Status status = this->LoadSlots(reader, 0, &window_count);
    if (status.ok()) status = norm_.LoadState(reader);
    if (status.ok()) status = range_.LoadState(reader);
    if (status.ok()) status = regularizer_.LoadState(reader);
    t_ = reader.ReadValue<double>();
    if (!status.ok()) return status;
    if (!reader.status().ok()) return reader.status();
    if (!IsSum(t_)) return reader.Damaged("the sum of weights of the learner is out of range");
    return absl::OkStatus();
  }

 private:
  using Base = TableLearner<VwLearner, VwLoss, Rule>;
  friend Base;
  using Base::loss_;
  using Base::options_;
  using Base::rule_;
  using Base::steps_taken_;
  using Base::table_;

  using RegularizerView = LazyRegularizer::View;
  using Slots = HashedSlots<Slot>;

  static_assert(LazyRegularizer::kBlockSlots == WeightTable<Slot>::kBlockSlots);

  static constexpr double kMinContraction = 1e-9;
  static constexpr float kMinSquare = 1e-30f;
  static constexpr double kMaxScale = 1e30;

  // Sums over the slots of an example.
  struct Growth {
    double gain = 0;  // The sum of x^2 r.
    double norm = 0;  // The sum of (x / s)^2.
  };

  VwLearner(const VwLoss& loss, const VwDescentOptions& rule, const LearnerSpec& spec,
            WeightTable<Slot> table)
      : Base(loss, rule, spec, std::move(table)),
        is_invariant_(rule.invariant),
        rate_(spec.linear.learning_rate * FirstShare(rule)),
        sparse_l2_(spec.vw->sparse_l2),
        range_(loss.kind(), spec.vw->bounds),
        regularizer_(spec.linear.l1, spec.linear.l2, kMinContraction),
        t_(rule.initial_t) {
    norm_.Set({.norm = rule.initial_t, .weight = rule.initial_t});
    if (spec.vw->constant != 0) SetConstant(static_cast<float>(spec.vw->constant));
  }

  // What is multiplied into the rate when it falls with t alone.
  static double FirstShare(const VwDescentOptions& rule) {
    if (Rule::kHasRate || rule.power == 0) return 1;
    return rule.initial_t > 0 ? Pow(rule.initial_t, rule.power) : 0;
  }

  // Sets the weight with which the constant feature begins.
  void SetConstant(float weight) {
    const std::array<uint32_t, 1> ids = {LetterFeatures::kConstantId};
    const std::array<uint32_t, 1> ends = {1};
    ExampleBatch constant{};
    constant.row_ends = ends;
    constant.feature_ids = ids;
    typename Base::Table::Placed placed(constant);
    table_.Place(placed);
    const uint32_t index = table_.IndexOf(placed.batch().feature_ids[0]);
    Slot slot = table_.LoadOwn(index);
    slot.weight = weight - rule_.initial_weight();
    table_.Store(index, slot);
  }

  // For readers.
  float SharedWeight(const Slots& slots, uint32_t index, RegularizerView& view) const {
    return view.WeightAt(index,
                         [&] { return slots.LoadFirstNumber(index) + rule_.initial_weight(); });
  }
  TableWeight WeightAt(const Slots& slots, uint32_t index, RegularizerView& view) const {
    return {.weight = SharedWeight(slots, index, view),
            .evidence = EvidenceOf<Rule>(slots.Load(index))};
  }

  // The score for a sum of weights times values: clipped, or 0 if the sum is not finite.
  float ScoreOf(float sum) const { return std::isfinite(sum) ? range_.Clip(sum) : 0; }

  // Returns the score before the update.
  template <typename Row>
  float LearnRow(const Row& row, float label, float weight, Prefetcher<Slot>& ahead) {
    range_.Observe(label);
    const float sum = OwnSum(row);
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
    Step(row, {.score = score, .label = label, .weight = weight, .gradient = gradient}, ahead);
    t_ += weight;
    steps_taken_.store(this->steps_taken() + 1, std::memory_order_relaxed);
    return score;
  }

  template <typename Row>
  float OwnSum(const Row& row) const {
    const Slots slots = table_.slots();
    const float initial = rule_.initial_weight();
    if (!regularizer_.is_active()) {
      return SumOf(row.size, row.offset, [&](size_t i) {
        return (slots.LoadOwn(slots.IndexOf(row.ids[i])).weight + initial) * row.Value(i);
      });
    }
    const LazyRegularizer::Pull pull = regularizer_.pull();
    return SumOf(row.size, row.offset * pull.contraction, [&](size_t i) {
      return pull.Of(slots.LoadOwn(slots.IndexOf(row.ids[i])).weight + initial) * row.Value(i);
    });
  }

  struct Learned {
    float score;
    float label;
    float weight;
    float gradient;
  };

  template <typename Row>
  void Step(const Row& row, const Learned& example, Prefetcher<Slot>& ahead) {
    double u = 0;
    const float square = example.weight * example.gradient * example.gradient;
    if (square >= kMinSquare && loss_.IsPositive(example.score, example.label)) {
      const Growth growth = Observe(row, square);
      if constexpr (Rule::kNormalized) {
        norm_.Set(norm_.With(growth.norm, example.weight));
      }
      const double correction = Correction();
      u = StepSize(example, std::min(correction * growth.gain, kMaxScale));
      if (regularizer_.is_active()) {
        const LazyRegularizer::State next = regularizer_.After(example.gradient, u);
        regularizer_.Set(next);
        u /= next.contraction;
      }
    }
    u -= sparse_l2_ * example.score;
    ahead.FetchPart();
    if (u != 0) {
      Move(row, static_cast<float>(std::clamp(u * Correction(), -kMaxScale, kMaxScale)));
    }
    if (regularizer_.is_active() && regularizer_.IsDue()) Settle();
  }

  // c; see nag.h. 0 before the first step.
  double Correction() const {
    if constexpr (!Rule::kNormalized) return 1;
    const auto& [norm, weight] = norm_.sums();
    return norm > 0 ? rule_.Correction(weight / norm) : 0;
  }

  double StepSize(const Learned& example, double sensitivity) const {
    const double rate = rate_ * example.weight * rule_.Decay(t_ + example.weight);
    if (!is_invariant_) return -example.gradient * rate;
    return loss_.ImportanceStep(example.score, example.label, rate, sensitivity);
  }

  template <typename Row>
  Growth Observe(const Row& row, float square) {
    Growth growth;
    if constexpr (!Rule::kHasRate) {
      for (size_t i = 0; i < row.size; ++i) growth.gain += row.Value(i) * row.Value(i);
      return growth;
    } else {
      Slots slots = table_.slots();
      const Rule rule = rule_;
      float gain = 0;
      float norm = 0;
      for (size_t i = 0; i < row.size; ++i) {
        const uint32_t index = slots.IndexOf(row.ids[i]);
        Slot slot = slots.LoadOwn(index);
        const typename Rule::Part part = rule.Observe(row.Value(i), square, slot);
        slots.Store(index, slot);
        gain += part.gain;
        norm += part.norm;
      }
      return {.gain = gain, .norm = norm};
    }
  }

  template <typename Row>
  void Move(const Row& row, float scale) {
    Slots slots = table_.slots();
    for (size_t i = 0; i < row.size; ++i) {
      const uint32_t index = slots.IndexOf(row.ids[i]);
      Slot slot = slots.LoadOwn(index);
      float move = scale * row.Value(i);
      if constexpr (Rule::kHasRate) move *= slot.rate;
      slot.weight = BoundedWeight(slot.weight + move);
      slots.StoreHead(index, slot);
    }
  }

  // Replaces all stored weights by their effective weights; see lazy_regularizer.h.
  [[gnu::noinline]] void Settle() {
    constexpr uint32_t kBlockSlots = LazyRegularizer::kBlockSlots;
    const float initial = rule_.initial_weight();
    regularizer_.BeginSettling();
    const LazyRegularizer::Pull pull = regularizer_.old_pull();
    table_.VisitUsedBlocks([&](uint32_t block) {
      regularizer_.SettleBlock(
          block, kBlockSlots,
          [&](uint32_t i) { return table_.LoadOwn(block * kBlockSlots + i).weight + initial; },
          [&] {
            table_.VisitUsedOf(block, [&](uint32_t index, Slot slot) {
              slot.weight = pull.Of(slot.weight + initial) - initial;
              table_.StoreHead(index, slot);
            });
          });
    });
    regularizer_.EndSettling();
  }

  template <typename Row>
  float PredictRow(const Row& row, const Slots& slots,
                   const typename Base::NoView& /*view*/) const {
    return ScoreOf(regularizer_.Read([&](RegularizerView& view) {
      return SumOf(row.size, row.offset, [&](size_t i) {
        return SharedWeight(slots, slots.IndexOf(row.ids[i]), view) * row.Value(i);
      });
    }));
  }

  // Constant after construction.
  const bool is_invariant_;
  const double rate_;
  const double sparse_l2_;

  // Written by the writer, read by readers.
  PredictionRange range_;
  LazyRegularizer regularizer_;

  // Owned by the writer.
  MeanNorm norm_;
  double t_;  // The sum of importance weights, plus initial_t.
};

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_VW_LEARNER_H_
