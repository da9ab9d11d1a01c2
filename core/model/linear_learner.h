// A linear model for one loss and one optimizer. factory.h creates them.

#ifndef FRESHET_CORE_MODEL_LINEAR_LEARNER_H_
#define FRESHET_CORE_MODEL_LINEAR_LEARNER_H_

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/float4.h"
#include "core/base/state.h"
#include "core/feature/example_batch.h"
#include "core/loss/loss.h"
#include "core/loss/vw_loss.h"
#include "core/model/example_row.h"
#include "core/model/gathered_slots.h"
#include "core/model/learner.h"
#include "core/model/linear_explanation.h"
#include "core/model/prediction_range.h"
#include "core/model/prefetcher.h"
#include "core/model/spec.h"
#include "core/model/table_learner.h"
#include "core/model/weight_table.h"
#include "core/optimizer/bounds.h"
#include "core/optimizer/optimizer.h"
#include "core/optimizer/schedule.h"
#include "core/optimizer/step_context.h"

namespace freshet {

// The score is the intercept plus the sum of weight * value over the features of an example.
//
// If the rule takes four features at a time (ColumnOptimizer), the slots of an example are gathered
// side by side for the score, stepped in vector registers, and then put back.
//
// There is one step per example (for windowed optimizers, one per window): the optimizer gets the
// gradient with respect to the score, times the importance weight, times each feature's value. An
// example of weight 0 is predicted, but changes nothing.
template <LossFunction Loss, Optimizer Rule>
class LinearLearner final : public TableLearner<LinearLearner<Loss, Rule>, Loss, Rule> {
 public:
  using Slot = typename Rule::Slot;

  bool supports_corrections() const override { return kCorrects; }

  void CorrectBatch(const ExampleBatch& batch, std::span<const float> old_labels,
                    std::span<float> scores) override {
    if constexpr (kCorrects) {
      typename Base::Table::Placed placed(batch);
      if (table_.Place(placed)) SlotsMoved();
      if (batch.values.empty()) {
        CorrectRows<UnitRow>(placed.batch(), old_labels, scores);
      } else {
        CorrectRows<ValueRow>(placed.batch(), old_labels, scores);
      }
    } else {
      Learner::CorrectBatch(batch, old_labels, scores);
    }
  }

  uint64_t CountZeroWeights() const override {
    const WeightContext context = FeatureContext(this->steps_taken());
    return table_.EstimateCount([&](const auto& /*slots*/, uint32_t /*index*/, const Slot& slot) {
      return rule_.Weight(slot, context) == 0;
    });
  }

  void ReadWeights(uint32_t first_slot, std::span<TableWeight> weights) const override {
    const WeightContext context = FeatureContext(this->steps_taken());
    this->ReadSlots(first_slot, weights, [&](const Slot& slot) { return WeightOf(slot, context); });
  }

  Explanation Explain(const ExampleBatch& batch, size_t index) const override {
    return ExplainRowOf(batch, index, [&](const auto& row) {
      const uint64_t steps_taken = this->steps_taken();
      const WeightContext context = FeatureContext(steps_taken);
      const auto reading = table_.Read();
      Explanation explanation;
      AddContributions(
          row, [&](size_t i) { return WeightOf(reading.Load(row.ids[i]), context); }, explanation);
      const float intercept =
          rule_.Weight(intercept_.Load(), InterceptContext(steps_taken)) + offset_;
      const float first = intercept + OffsetOf(row);
      const float sum = SumOfWeights(row, first, explanation);
      SetScore(ScoreOf(sum), sum, first, explanation);
      return explanation;
    });
  }

  void SaveState(StateWriter& writer) const override {
    this->SaveSlots(writer, window_count_);
    this->SaveWeightSum(writer);
    range_.SaveState(writer);
  }
  absl::Status LoadState(StateReader& reader) override;

 private:
  using Base = TableLearner<LinearLearner, Loss, Rule>;
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
  static constexpr bool kWindowed = WindowedOptimizer<Rule>;
  static constexpr bool kCorrects = CorrectableOptimizer<Rule> && !kAsVw;
  static constexpr bool kInColumns = ColumnOptimizer<Rule>;
  // The AVX2 build helps not by wider vectors, but because its three-operand instructions need
  // fewer moves between registers.
  static constexpr bool kHasWidePath = kInColumns;
  // Steps between two refreshes of all slots, which keep slot ages well below 2^31.
  static constexpr uint64_t kRefreshSteps = uint64_t{1} << 30;

  // One step: the context for features, and that for the intercept, which has its own rate.
  struct StepPair {
    using Context = decltype(std::declval<const Rule&>().Prepare(StepContext()));

    Context feature;
    Context intercept;
  };

  LinearLearner(const Loss& loss, const typename Rule::Options& rule, const LearnerSpec& spec,
                WeightTable<Slot> table)
      : Base(loss, rule, spec, std::move(table)),
        clip_(spec.linear.gradient_clip > 0 ? static_cast<float>(spec.linear.gradient_clip)
                                            : std::numeric_limits<float>::infinity()),
        range_(Base::RangeOf(this->loss_kind(), spec)) {}

  // What is added to the score of a row.
  template <typename Row>
  static float OffsetOf(const Row& row) {
    return kAsVw ? row.offset : 0.0f;
  }

  // The score for a sum of weights times values: clipped, or 0 if the sum is not finite.
  float ScoreOf(float sum) const { return std::isfinite(sum) ? range_.Clip(sum) : 0; }

  WeightContext FeatureContext(uint64_t steps_taken) const {
    return {.steps_taken = steps_taken,
            .base_rate = static_cast<float>(options_.learning_rate),
            .l1 = static_cast<float>(options_.l1),
            .l2 = static_cast<float>(options_.l2)};
  }
  WeightContext InterceptContext(uint64_t steps_taken) const {
    return {.steps_taken = steps_taken,
            .base_rate = static_cast<float>(options_.intercept_learning_rate),
            .l1 = options_.regularize_intercept ? static_cast<float>(options_.l1) : 0.0f,
            .l2 = options_.regularize_intercept ? static_cast<float>(options_.l2) : 0.0f};
  }

  TableWeight WeightOf(const Slot& slot, const WeightContext& context) const {
    return {.weight = rule_.Weight(slot, context), .evidence = EvidenceOf<Rule>(slot)};
  }

  // The weight at a slot: OwnWeight() for the writer, SharedWeight() for readers.
  using Slots = HashedSlots<Slot>;
  float OwnWeight(const Slots& /*slots*/, uint32_t index, const WeightContext& context) const {
    return rule_.Weight(table_.LoadOwn(index), context);
  }
  float SharedWeight(const Slots& slots, uint32_t index, const WeightContext& context) const {
    return rule_.Weight(slots.Load(index), context);
  }

  // `weight_of` is &OwnWeight or &SharedWeight; `intercept` is the slot loaded in the same way.
  template <auto weight_of, typename Row>
  float Sum(const Row& row, const Slots& slots, const Slot& intercept, uint64_t steps_taken) const {
    const float first =
        rule_.Weight(intercept, InterceptContext(steps_taken)) + offset_ + OffsetOf(row);
    const WeightContext context = FeatureContext(steps_taken);
    return SumOf(row.size, first, [&](size_t i) {
      return (this->*weight_of)(slots, slots.IndexOf(row.ids[i]), context) * row.Value(i);
    });
  }

  // Returns the score before the update.
  template <typename Row>
  float LearnRow(const Row& row, float label, float weight, Prefetcher<Slot>& ahead) {
    const uint64_t steps_taken = this->steps_taken();
    float sum;
    if constexpr (kInColumns) {
      sum = GatherAndSum(row, steps_taken);
    } else {
      sum = Sum<&LinearLearner::OwnWeight>(row, table_.slots(), intercept_.LoadOwn(), steps_taken);
    }
    ahead.FetchPart();
    if (kAsVw || weight != 0) range_.Observe(label);
    const float score = ScoreOf(sum);
    if (weight == 0) return score;
    const float gradient = loss_.Gradient(score, label) * weight;
    // False for NaN too: see bounds.h.
    if (!(std::abs(gradient) * row.MaxAbsValue() <= kMaxGradient) || !std::isfinite(sum)) {
      this->CountSkipped();
      return score;
    }
    if constexpr (kWindowed) {
      Accumulate(row, gradient);
    } else {
      Step(row, gradient, weight, steps_taken, ahead);
    }
    if (schedule_.observes_loss()) schedule_.Observe(loss_.Value(score, label), weight);
    return score;
  }

  // Like Sum(), but also gathers the slots. Adds in the order of SumOf().
  template <typename Row>
  float GatherAndSum(const Row& row, uint64_t steps_taken) {
    gathered_.Resize(row.size);
    // Local copies, so that the compiler need not reload them for each feature.
    const Rule rule = rule_;
    const HashedSlots<Slot> slots = table_.slots();
    const WeightContext context = FeatureContext(steps_taken);
    Float4 sums{rule.Weight(intercept_.LoadOwn(), InterceptContext(steps_taken)) + offset_ +
                OffsetOf(row)};
    for (size_t i = 0; i < row.size; i += 4) {
      const auto lanes = ToLanes(gathered_.Gather(slots, row.ids, row.size, i));
      sums += rule.Weight(lanes, context) * row.Values(i);
    }
    return SumOfLanes(sums);
  }

  // Four slots as one Float4 for each number of the rule's slot.
  static auto ToLanes(const FourSlots<Slot>& slots) {
    return std::bit_cast<typename Rule::template SlotOf<Float4>>(Transposed(slots));
  }

  template <typename Row>
  void Step(const Row& row, float gradient, float weight, uint64_t steps_taken,
            Prefetcher<Slot>& ahead) {
    const StepPair step = NextStep(steps_taken, this->ScheduleTime(weight));
    this->CountWeight(weight);
    if (options_.intercept) {  // First, because the next example's score waits for it.
      Slot slot = intercept_.LoadOwn();
      rule_.Step(step.intercept, gradient, slot);
      intercept_.Store(slot);
    }
    if constexpr (kInColumns) {
      StepGathered(row, gradient, step.feature, ahead);
    } else {
      ahead.FetchPart();
      for (size_t i = 0; i < row.size; ++i) StepOne(row, i, gradient, step.feature);
    }
    FinishStep(steps_taken + 1);
  }

  template <typename Row>
  void StepOne(const Row& row, size_t i, float gradient, const typename StepPair::Context& step) {
    const uint32_t index = table_.IndexOf(row.ids[i]);
    Slot slot = table_.LoadOwn(index);
    rule_.Step(step, gradient * row.Value(i), slot);
    table_.Store(index, slot);
  }

  template <typename Row>
  void StepGathered(const Row& row, float gradient, const typename StepPair::Context& step,
                    Prefetcher<Slot>& ahead) {
    const Rule rule = rule_;
    const typename StepPair::Context context = step;
    ahead.FetchPart();
    if (row.size > stepped_.size() * 4) stepped_.resize((row.size + 3) / 4);
    const FourSlots<Slot>* const __restrict gathered = gathered_.groups();
    FourSlots<Slot>* const __restrict stepped = stepped_.data();
    for (size_t i = 0; i < row.size; i += 4) {
      auto lanes = ToLanes(gathered[i / 4]);
      rule.Step(context, gradient * row.Values(i), lanes);
      stepped[i / 4] = TransposedBack(std::bit_cast<FourSlots<Slot>>(lanes));
    }
    const auto put_back = [&](size_t first) {
      return gathered_.PutBack(table_.slots(), row.ids, first, row.size, stepped);
    };
    for (size_t i = put_back(0); i < row.size; i = put_back(i + 1)) {
      StepOne(row, i, gradient, step);  // A second occurrence: step the slot as it is now.
    }
  }

  // Adds an example to the window of a windowed optimizer, and steps at the window's end.
  template <typename Row>
  void Accumulate(const Row& row, float gradient) {
    for (size_t i = 0; i < row.size; ++i) {
      const uint32_t index = table_.IndexOf(row.ids[i]);
      Slot slot = table_.LoadOwn(index);
      if (rule_.Accumulate(gradient * row.Value(i), slot)) pending_indices_.push_back(index);
      table_.Store(index, slot);
    }
    if (options_.intercept) {
      Slot slot = intercept_.LoadOwn();
      rule_.Accumulate(gradient, slot);
      intercept_.Store(slot);
    }
    if (++window_count_ == rule_.window_examples()) EndWindow();
  }

  void EndWindow() {
    constexpr size_t kAhead = 32;
    const uint64_t steps_taken = this->steps_taken();
    const StepPair step = NextStep(steps_taken, static_cast<double>(steps_taken));
    const size_t count = pending_indices_.size();
    for (size_t i = 0; i < count; ++i) {
      table_.Prefetch(pending_indices_[std::min(i + kAhead, count - 1)]);
      Slot slot = table_.LoadOwn(pending_indices_[i]);
      rule_.Step(step.feature, slot);
      table_.Store(pending_indices_[i], slot);
    }
    pending_indices_.clear();
    window_count_ = 0;
    if (options_.intercept) {
      Slot slot = intercept_.LoadOwn();
      rule_.Step(step.intercept, slot);
      intercept_.Store(slot);
    }
    FinishStep(steps_taken + 1);
  }

  template <typename Row>
  void CorrectRows(const ExampleBatch& batch, std::span<const float> old_labels,
                   std::span<float> scores) {
    Prefetcher<Slot> ahead(table_.slots(), batch);
    for (size_t row = 0; row < batch.size(); ++row) {
      ahead.BeginRow(row);
      ahead.FetchAll();
      scores[row] =
          CorrectRow(Row(batch, row), old_labels[row], batch.labels[row], batch.Weight(row));
    }
  }

  // Returns the score before the correction.
  template <typename Row>
  float CorrectRow(const Row& row, float old_label, float label, float weight) {
    const uint64_t steps_taken = this->steps_taken();
    const float sum =
        Sum<&LinearLearner::OwnWeight>(row, table_.slots(), intercept_.LoadOwn(), steps_taken);
    const float score = ScoreOf(sum);
    const float before = loss_.Gradient(score, old_label) * weight;
    const float after = loss_.Gradient(score, label) * weight;
    if (weight == 0 || before == after) return score;
    const float max_value = row.MaxAbsValue();
    // False for NaN too, as in LearnRow().
    if (!(std::abs(before) * max_value <= kMaxGradient) ||
        !(std::abs(after) * max_value <= kMaxGradient) || !std::isfinite(sum)) {
      this->CountSkipped();
      return score;
    }
    // The last step; the first one if an unfinished window is all that was learned.
    const StepPair step =
        NextStep(std::max<uint64_t>(steps_taken, 1) - 1, this->LastScheduleTime());
    if (options_.intercept) {
      Slot slot = intercept_.LoadOwn();
      rule_.Correct(step.intercept, before, after, slot);
      intercept_.Store(slot);
    }
    for (size_t i = 0; i < row.size; ++i) {
      const uint32_t index = table_.IndexOf(row.ids[i]);
      Slot slot = table_.LoadOwn(index);
      rule_.Correct(step.feature, before * row.Value(i), after * row.Value(i), slot);
      table_.Store(index, slot);
    }
    return score;
  }

  // Finds the slots to which the current window has added.
  void SlotsMoved() {
    if constexpr (kWindowed) {
      pending_indices_.clear();
      table_.VisitUsed([&](uint32_t index, const Slot& slot) {
        if (Rule::IsPending(slot)) pending_indices_.push_back(index);
      });
    }
  }

  StepPair NextStep(uint64_t steps_taken, double schedule_time) const {
    const double share = schedule_.Share(schedule_time);
    const auto step_of = [&](const WeightContext& context, double rate) {
      StepContext step{context};
      step.step = steps_taken + 1;
      step.rate = static_cast<float>(rate * share);
      step.clip = clip_;
      step.is_plain = std::isinf(clip_) && context.l2 == 0;
      return rule_.Prepare(step);
    };
    return {step_of(FeatureContext(steps_taken), options_.learning_rate),
            step_of(InterceptContext(steps_taken), options_.intercept_learning_rate)};
  }

  void FinishStep(uint64_t steps_taken) {
    steps_taken_.store(steps_taken, std::memory_order_relaxed);
    if constexpr (AgingOptimizer<Rule>) {
      if (steps_taken % kRefreshSteps == 0) RefreshSlots(steps_taken);
    }
  }

  void RefreshSlots(uint64_t steps_taken) {
    table_.VisitUsed([&](uint32_t index, Slot slot) {
      rule_.Refresh(steps_taken, slot);
      table_.Store(index, slot);
    });
    Slot slot = intercept_.LoadOwn();
    rule_.Refresh(steps_taken, slot);
    intercept_.Store(slot);
  }

  template <typename Row>
  float PredictRow(const Row& row, const HashedSlots<Slot>& slots,
                   const typename Base::NoView& /*view*/) const {
    return ScoreOf(
        Sum<&LinearLearner::SharedWeight>(row, slots, intercept_.Load(), this->steps_taken()));
  }

  // Constant after construction.
  const float clip_;

  // Written by the writer, read by readers.
  PredictionRange range_;

  // Owned by the writer.
  uint32_t window_count_ = 0;              // Examples in the current window, for windowed rules.
  std::vector<uint32_t> pending_indices_;  // Slots to which the current window has added.
  // The slots of the example's features before the step, and after it.
  GatheredSlots<Slot> gathered_;
  std::vector<FourSlots<Slot>> stepped_;
};

template <LossFunction Loss, Optimizer Rule>
absl::Status LinearLearner<Loss, Rule>::LoadState(StateReader& reader) {
  uint32_t max_window_count = 0;
  if constexpr (kWindowed) max_window_count = rule_.window_examples() - 1;
  absl::Status status = this->LoadSlots(reader, max_window_count, &window_count_);
  if (status.ok()) status = this->LoadWeightSum(reader);
  if (status.ok()) status = range_.LoadState(reader);
  if (!status.ok()) return status;
  SlotsMoved();
  return absl::OkStatus();
}

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_LINEAR_LEARNER_H_
