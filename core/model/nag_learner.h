// A linear model that learns by normalised adaptive updates; the rule is in core/optimizer/nag.h.

#ifndef FRESHET_CORE_MODEL_NAG_LEARNER_H_
#define FRESHET_CORE_MODEL_NAG_LEARNER_H_

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/float4.h"
#include "core/base/state.h"
#include "core/feature/example_batch.h"
#include "core/loss/loss.h"
#include "core/model/example_row.h"
#include "core/model/gathered_slots.h"
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

// Scores are clipped to the range that is meaningful for the loss; see label_range.h. The intercept
// is a feature of value 1, whose rate is multiplied by intercept_learning_rate / learning_rate. l1
// and l2 shrink all weights at every step; see lazy_regularizer.h. An example whose gradient is too
// small to move anything (h g^2 below 1e-30) changes no slot.
//
// Each example takes three passes over its slots, four slots at a time: the score; Observe(), which
// updates G and s; and the step, whose size depends on the sum of all rates. If an example has the
// same slot twice, the second and third pass go slot by slot.
template <LossFunction Loss, typename Rule>
class NagLearner final : public TableLearner<NagLearner<Loss, Rule>, Loss, Rule> {
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
        const float intercept = SharedIntercept(view);
        const float sum = SumOfWeights(row, intercept, explanation);
        SetScore(ScoreOf(sum), sum, intercept, explanation);
        return explanation;
      });
    });
  }

  void SaveState(StateWriter& writer) const override {
    this->SaveSlots(writer, 0);
    norm_.SaveState(writer);
    label_range_.SaveState(writer);
    regularizer_.SaveState(writer);
    this->SaveWeightSum(writer);
  }
  absl::Status LoadState(StateReader& reader) override {
    uint32_t window_count = 0;
    absl::Status status = this->LoadSlots(reader, 0, &window_count);
    if (status.ok()) status = norm_.LoadState(reader);
    if (status.ok()) status = label_range_.LoadState(reader);
    if (status.ok()) status = regularizer_.LoadState(reader);
    if (status.ok()) status = this->LoadWeightSum(reader);
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

  using RegularizerView = LazyRegularizer::View;

  static_assert(LazyRegularizer::kBlockSlots == WeightTable<Slot>::kBlockSlots);

  static constexpr bool kHasWidePath = true;
  static constexpr float kMinSquare = 1e-30f;
  static constexpr double kMaxScale = 1e30;

  // The slots of four features, as one Float4 for each number.
  using Lanes = typename Rule::template SlotOf<Float4>;

  // Sums over the slots of an example, once they have observed it.
  struct Growth {
    float gain = 0;  // The sum of x^2 r.
    float norm = 0;  // The sum of (x / s)^2.
  };

  // The new state of everything except the slots of the example's features, and how far those move.
  struct Plan {
    float scale;  // The factor for the moves.
    Slot intercept;
    MeanNorm::Sums norm;
    LazyRegularizer::State regularizer;
  };

  NagLearner(const Loss& loss, const NagOptions& rule, const LearnerSpec& spec,
             WeightTable<Slot> table)
      : Base(loss, rule, spec, std::move(table)),
        is_invariant_(rule.invariant),
        observes_first_(spec.rules != LinearRules::kFirst),
        intercept_share_(static_cast<float>(
            std::min(spec.linear.intercept_learning_rate / spec.linear.learning_rate, 1e8))),
        label_range_(Loss::kScoreLimit, observes_first_),
        regularizer_(spec.linear.l1, spec.linear.l2) {}

  // For readers.
  using Slots = HashedSlots<Slot>;
  static float SharedWeight(const Slots& slots, uint32_t index, RegularizerView& view) {
    return view.WeightAt(index, [&] { return slots.LoadFirstNumber(index); });
  }
  float SharedIntercept(RegularizerView& view) const {
    const auto load = [this] { return intercept_.LoadFirstNumber(); };
    return options_.regularize_intercept ? view.WeightAt(InterceptIndex(), load) : load();
  }
  static TableWeight WeightAt(const Slots& slots, uint32_t index, RegularizerView& view) {
    return {.weight = SharedWeight(slots, index, view),
            .evidence = EvidenceOf<Rule>(slots.Load(index))};
  }
  // The intercept is settled as if its slot followed the last one of the table.
  uint32_t InterceptIndex() const { return table_.end_index(); }

  // The score for a sum of weights times values: clipped, or 0 if the sum is not finite.
  float ScoreOf(float sum) const { return std::isfinite(sum) ? label_range_.Clip(sum) : 0; }

  // Returns the score before the update.
  template <typename Row>
  float LearnRow(const Row& row, float label, float weight, Prefetcher<Slot>& ahead) {
    const float sum = GatherAndScore(row);
    ahead.FetchPart();
    if (observes_first_ && weight != 0) label_range_.Observe(label);
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
    const float square = weight * gradient * gradient;
    if (square >= kMinSquare) {
      Step(row, score, label, weight, square, ahead);
    }
    this->CountWeight(weight);
    steps_taken_.store(this->steps_taken() + 1, std::memory_order_relaxed);
    if (schedule_.observes_loss()) schedule_.Observe(loss_.Value(score, label), weight);
    return score;
  }

  // Gathers the slots, and returns the score before clipping. Adds in the order of SumOf().
  template <typename Row>
  float GatherAndScore(const Row& row) {
    gathered_.Resize(row.size);
    // Local copies, so that the compiler need not reload them for each feature.
    const HashedSlots<Slot> slots = table_.slots();
    const bool is_pulled = regularizer_.is_active();
    const LazyRegularizer::Pull pull = regularizer_.pull();
    const float intercept = intercept_.LoadOwn().weight;
    Float4 sums{is_pulled && options_.regularize_intercept ? pull.Of(intercept) : intercept};
    for (size_t i = 0; i < row.size; i += 4) {
      Float4 weights = ToLanes(gathered_.Gather(slots, row.ids, row.size, i)).weight;
      if (is_pulled) weights = pull.Of(weights);
      sums += weights * row.Values(i);
    }
    return SumOfLanes(sums);
  }

  // Four slots as one Float4 for each number of the rule's slot.
  static Lanes ToLanes(const FourSlots<Slot>& slots) {
    return std::bit_cast<Lanes>(Transposed(slots));
  }

  template <typename Row>
  void Step(const Row& row, float score, float label, float weight, float square,
            Prefetcher<Slot>& ahead) {
    const Slot intercept = intercept_.LoadOwn();
    const auto plan_for = [&](const Growth& growth) {
      const Plan plan = MakePlan(growth, intercept, score, label, weight, square);
      // Stored early, because the next example's score waits for it.
      if (options_.intercept) intercept_.Store(plan.intercept);
      return plan;
    };
    bool grew = false;
    const Growth growth = Observe(row, square, &grew);
    ahead.FetchPart();
    Plan plan = plan_for(growth);
    if (!Move(row, plan.scale, grew)) {
      plan = plan_for(ObserveOneByOne(row, square));
      MoveOneByOne(row, plan.scale);
    }
    if constexpr (Rule::kNormalized) norm_.Set(plan.norm);
    if (!regularizer_.is_active()) return;
    regularizer_.Set(plan.regularizer);
    if (regularizer_.IsDue()) Settle();
  }

  Plan MakePlan(Growth growth, const Slot& intercept, float score, float label, float weight,
                float square) const {
    Plan plan;
    plan.intercept = intercept;
    float intercept_rate = 0;
    if (options_.intercept) {  // A feature of value 1.
      rule_.Observe(1.0f, square, plan.intercept);
      const auto part = rule_.PartOf(1.0f, plan.intercept);
      intercept_rate = part.rate * intercept_share_;
      growth.gain += intercept_rate;
      growth.norm += part.norm;
    }
    plan.norm = norm_.With(growth.norm, weight);
    const double correction = rule_.Correction(plan.norm.weight / plan.norm.norm);
    const double sensitivity = std::min(correction * growth.gain, kMaxScale);
    const double rate = options_.learning_rate * schedule_.Share(this->ScheduleTime(weight));
    const double u = is_invariant_ ? loss_.ImportanceStep(score, label, rate * weight, sensitivity)
                                   : -loss_.Gradient(score, label) * rate * weight;
    const float plain_scale = BoundedScale(u * correction);
    plan.scale = plain_scale;
    if (regularizer_.is_active()) {
      plan.regularizer = regularizer_.After(loss_.Gradient(score, label), u);
      plan.scale = BoundedScale(u * correction / plan.regularizer.contraction);
    }
    const float intercept_scale = options_.regularize_intercept ? plan.scale : plain_scale;
    plan.intercept.weight = BoundedWeight(plan.intercept.weight + intercept_scale * intercept_rate);
    return plan;
  }

  static float BoundedScale(double scale) {
    return static_cast<float>(std::min(std::max(scale, -kMaxScale), kMaxScale));
  }

  // Lets the gathered slots observe their features, and computes how far each will move. Sets
  // `grew` to whether any s has grown.
  template <typename Row>
  Growth Observe(const Row& row, float square, bool* grew) {
    const size_t groups = (row.size + 3) / 4;
    if (groups > observed_.size()) {
      observed_.resize(groups);
      moves_.resize(groups);
      moved_.resize(groups);
      moved_heads_.resize(groups);
    }
    const Rule rule = rule_;
    const FourSlots<Slot>* const __restrict gathered = gathered_.groups();
    Lanes* const __restrict observed = observed_.data();
    Float4* const __restrict moves = moves_.data();
    Float4 gains{};
    Float4 norms{};
    bool any_grew = false;
    const auto observe = [&](size_t group, Float4 values, Lanes lanes)
        __attribute__((always_inline)) {
      any_grew |= rule.Observe(values, square, lanes);
      const auto part = rule.PartOf(values, lanes);
      const Float4 move = values * part.rate;
      gains += values * move;
      norms += part.norm;
      moves[group] = move;
      observed[group] = lanes;
    };
    size_t i = 0;
    for (; i + 4 <= row.size; i += 4) observe(i / 4, row.Values(i), ToLanes(gathered[i / 4]));
    if (i < row.size) {
      Lanes lanes = ToLanes(gathered[i / 4]);
      Rule::Silence(row.size - i, lanes);
      observe(i / 4, row.Values(i), lanes);
    }
    *grew = any_grew;
    return {.gain = SumOfLanes(gains), .norm = SumOfLanes(norms)};
  }

  // Does what Observe() does, but slot by slot, and stores the slots. Like other rarely used
  // functions here it is not inlined, since it would take registers from the hot loops.
  template <typename Row>
  [[gnu::noinline]] Growth ObserveOneByOne(const Row& row, float square) {
    HashedSlots<Slot> slots = table_.slots();
    auto* const moves = reinterpret_cast<float*>(moves_.data());
    Float4 gains{};
    Float4 norms{};
    for (size_t i = 0; i < row.size; ++i) {
      const uint32_t index = slots.IndexOf(row.ids[i]);
      Slot slot = slots.LoadOwn(index);
      rule_.Observe(row.Value(i), square, slot);
      slots.Store(index, slot);
      const auto part = rule_.PartOf(row.Value(i), slot);
      moves[i] = row.Value(i) * part.rate;
      gains[i % 4] += row.Value(i) * moves[i];
      norms[i % 4] += part.norm;
    }
    return {.gain = SumOfLanes(gains), .norm = SumOfLanes(norms)};
  }

  // Moves the observed slots and stores them. If a slot occurs twice, restores all slots and
  // returns false.
  template <typename Row>
  bool Move(const Row& row, float scale, bool grew) {
    const Lanes* const __restrict observed = observed_.data();
    const Float4* const __restrict moves = moves_.data();
    FourSlots<Slot>* const __restrict moved = moved_.data();
    FourHeads<Slot>* const __restrict heads = moved_heads_.data();
    for (size_t i = 0; i < row.size; i += 4) {
      Lanes lanes = observed[i / 4];
      lanes.weight = BoundedWeight(lanes.weight + scale * moves[i / 4]);
      const auto numbers = std::bit_cast<FourSlots<Slot>>(lanes);
      if (grew) {
        moved[i / 4] = TransposedBack(numbers);
      } else {
        heads[i / 4] = HeadsOf<Slot>(numbers);
      }
    }
    const size_t count = grew ? gathered_.PutBack(table_.slots(), row.ids, 0, row.size, moved)
                              : gathered_.PutBackHeads(table_.slots(), row.ids, 0, row.size, heads);
    if (count == row.size) return true;
    gathered_.TakeBack(table_.slots(), row.ids, count);
    return false;
  }

  template <typename Row>
  [[gnu::noinline]] void MoveOneByOne(const Row& row, float scale) {
    HashedSlots<Slot> slots = table_.slots();
    const auto* const moves = reinterpret_cast<const float*>(moves_.data());
    for (size_t i = 0; i < row.size; ++i) {
      const uint32_t index = slots.IndexOf(row.ids[i]);
      Slot slot = slots.LoadOwn(index);
      slot.weight = BoundedWeight(slot.weight + scale * moves[i]);
      slots.StoreHead(index, slot);
    }
  }

  // Replaces all stored weights by their effective weights; see lazy_regularizer.h.
  [[gnu::noinline]] void Settle() {
    constexpr uint32_t kBlockSlots = LazyRegularizer::kBlockSlots;
    regularizer_.BeginSettling();
    const LazyRegularizer::Pull pull = regularizer_.old_pull();
    table_.VisitUsedBlocks([&](uint32_t block) {
      regularizer_.SettleBlock(
          block, kBlockSlots,
          [&](uint32_t i) { return table_.LoadOwn(block * kBlockSlots + i).weight; },
          [&] {
            table_.VisitUsedOf(block, [&](uint32_t index, Slot slot) {
              slot.weight = pull.Of(slot.weight);
              table_.StoreHead(index, slot);
            });
          });
    });
    if (options_.regularize_intercept) {
      Slot slot = intercept_.LoadOwn();
      regularizer_.SettleBlock(
          InterceptIndex() / kBlockSlots, 1, [&](uint32_t /*i*/) { return slot.weight; },
          [&] {
            slot.weight = pull.Of(slot.weight);
            intercept_.StoreHead(slot);
          });
    }
    regularizer_.EndSettling();
  }

  template <typename Row>
  float PredictRow(const Row& row, const Slots& slots,
                   const typename Base::NoView& /*view*/) const {
    if (!regularizer_.is_active()) {
      return ScoreOf(SumOf(row.size, intercept_.LoadFirstNumber(), [&](size_t i) {
        return slots.LoadFirstNumber(slots.IndexOf(row.ids[i])) * row.Value(i);
      }));
    }
    return ScoreOf(regularizer_.Read([&](RegularizerView& view) {
      return SumOf(row.size, SharedIntercept(view), [&](size_t i) {
        return SharedWeight(slots, slots.IndexOf(row.ids[i]), view) * row.Value(i);
      });
    }));
  }

  // Constant after construction.
  const bool is_invariant_;
  const bool observes_first_;    // Whether the range takes in a label before its example is scored.
  const float intercept_share_;  // The intercept's rate divided by the learning rate.

  // Written by the writer, read by readers.
  LabelRange label_range_;
  LazyRegularizer regularizer_;

  // Owned by the writer.
  MeanNorm norm_;
  // For the features of one example, in groups of four:
  GatheredSlots<Slot> gathered_;              // The slots before the example.
  std::vector<Lanes> observed_;               // The slots after Observe().
  std::vector<Float4> moves_;                 // r x, in proportion to which the weights move.
  std::vector<FourSlots<Slot>> moved_;        // The slots after Move(), if any s grew.
  std::vector<FourHeads<Slot>> moved_heads_;  // Only their first words, if no s grew.
};

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_NAG_LEARNER_H_
