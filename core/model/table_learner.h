// The base class of all learners with one slot per feature.

#ifndef FRESHET_CORE_MODEL_TABLE_LEARNER_H_
#define FRESHET_CORE_MODEL_TABLE_LEARNER_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/state.h"
#include "core/base/str_cat.h"
#include "core/base/wide_path.h"
#include "core/feature/example_batch.h"
#include "core/loss/loss.h"
#include "core/model/example_row.h"
#include "core/model/learner.h"
#include "core/model/prediction_range.h"
#include "core/model/prefetcher.h"
#include "core/model/slot_array.h"
#include "core/model/spec.h"
#include "core/model/weight_table.h"
#include "core/optimizer/optimizer.h"
#include "core/optimizer/schedule.h"

namespace freshet {

// Owns the table, the intercept, the schedule and the counts; saves and loads them; and iterates
// over the rows of a batch. How to score and how to step is left to `Derived`, which must define
//
//   template <typename Row> float LearnRow(const Row& row, float label, float weight,
//                                          Prefetcher<Slot>& ahead);
//   template <typename Row> float PredictRow(const Row& row, const HashedSlots<Slot>& slots,
//                                            const View& view) const;  // For readers.
//
// for UnitRow and ValueRow, whose ids are those that the slots are looked up by (table_.slots() in
// LearnRow()). Both return the score; LearnRow() returns that before its step, and
// calls ahead.FetchPart() twice, between parts of its work. A learner whose readers need more than
// slots hides ReadView() and EndBatch() with its own; one that keeps indices of slots,
// SlotsMoved(); one that gains from AVX2, kHasWidePath.
template <typename Derived, LossFunction Loss, SlotRule Rule>
class TableLearner : public Learner {
 public:
  using Slot = typename Rule::Slot;

  // RESOURCE_EXHAUSTED if there is not enough memory for the table.
  static absl::StatusOr<std::unique_ptr<Learner>> Create(const Loss& loss,
                                                         const typename Rule::Options& rule,
                                                         const LearnerSpec& spec) {
    absl::StatusOr<WeightTable<Slot>> table = WeightTable<Slot>::Create(spec.linear.bits);
    if (!table.ok()) return table.status();
    return std::unique_ptr<Learner>(new Derived(loss, rule, spec, *std::move(table)));
  }

  void LearnBatch(const ExampleBatch& batch, std::span<float> scores) final {
    typename Table::Placed placed(batch);
    if (table_.Place(placed)) static_cast<Derived*>(this)->SlotsMoved();
    if (TakesWidePath()) {
      LearnRowsWide(placed.batch(), scores);
    } else {
      LearnRowsOf(placed.batch(), scores);
    }
    static_cast<Derived*>(this)->EndBatch();
    example_count_.store(example_count() + batch.size(), std::memory_order_relaxed);
  }

  void PredictBatch(const ExampleBatch& batch, std::span<float> scores) const final {
    const typename Table::Reading reading = table_.Read();
    typename Table::Placed placed(batch);
    reading.Place(placed);
    if (TakesWidePath()) {
      PredictRowsWide(placed.batch(), reading.slots(), scores);
    } else {
      PredictRowsOf(placed.batch(), reading.slots(), scores);
    }
  }

  float Prediction(float score) const override { return loss_.Link(score); }

  uint64_t example_count() const override { return example_count_.load(std::memory_order_relaxed); }
  uint64_t skipped_count() const override { return skipped_count_.load(std::memory_order_relaxed); }

  uint64_t CountUsedSlots() const override { return table_.CountUsed(); }
  uint64_t EstimateUsedSlots() const override { return table_.EstimateUsed(); }
  void ForgetSlots(std::span<const uint32_t> indices) override {
    const bool moved = table_.Forget(indices, [](const Slot& slot) {
      if constexpr (WindowedOptimizer<Rule>) return Rule::IsPending(slot);
      return false;
    });
    if (moved) static_cast<Derived*>(this)->SlotsMoved();
  }
  uint64_t table_bytes() const override { return table_.size_bytes(); }
  uint64_t slot_count() const override { return table_.slot_count(); }

 protected:
  using Table = WeightTable<Slot>;
  struct NoView {};

  static constexpr bool kHasWidePath = false;

  TableLearner(const Loss& loss, const typename Rule::Options& rule, const LearnerSpec& spec,
               WeightTable<Slot> table)
      : loss_(loss),
        rule_(rule),
        options_(spec.linear),
        counts_weights_(spec.rules != LinearRules::kFirst),
        table_(std::move(table)),
        schedule_(spec.schedule) {
    const float initial =
        options_.intercept ? static_cast<float>(options_.initial_intercept) : 0.0f;
    Slot slot{};
    if constexpr (requires { slot.weight; }) {
      slot.weight = initial;
    } else {
      offset_ = initial;
    }
    intercept_.Store(slot);
  }

  // What PredictBatch() reads once per batch, in addition to slots.
  static NoView ReadView() { return {}; }
  // Called after each batch in LearnBatch().
  static void EndBatch() {}
  // Called when indices of slots have become void.
  static void SlotsMoved() {}

  // Sets weights[i] to weight_of(slot) of the slot of number first_slot + i; for ReadWeights().
  template <typename WeightOf>
  void ReadSlots(uint32_t first_slot, std::span<TableWeight> weights,
                 const WeightOf& weight_of) const {
    const typename Table::Reading reading = table_.Read();
    const TableWeight unused = weight_of(Slot{});
    for (size_t i = 0; i < weights.size(); ++i) {
      const uint32_t index = reading.IndexOf(first_slot + static_cast<uint32_t>(i));
      weights[i] = reading.HasNoPlace(index) ? unused : weight_of(reading.slots().Load(index));
    }
  }

  LossKind loss_kind() const {
    if constexpr (requires { loss_.kind(); }) {
      return loss_.kind();
    } else {
      return Loss::kKind;
    }
  }

  uint64_t steps_taken() const { return steps_taken_.load(std::memory_order_relaxed); }

  // How far the schedule has come at an example of this weight: by the number of steps, or by the
  // sum of weights with this one, less 1, so that both are the same if all weights are 1.
  double ScheduleTime(float weight) const {
    if (!counts_weights_) return static_cast<double>(steps_taken());
    return std::max(weight_sum_ + weight - 1, 0.0);
  }
  // The same at the last example.
  double LastScheduleTime() const {
    return std::max((counts_weights_ ? weight_sum_ : static_cast<double>(steps_taken())) - 1, 0.0);
  }
  void CountWeight(float weight) {
    if (counts_weights_) weight_sum_ += weight;
  }

  // The state of rules that count weights; empty for others.
  void SaveWeightSum(StateWriter& writer) const {
    if (counts_weights_) writer.WriteValue(weight_sum_);
  }
  absl::Status LoadWeightSum(StateReader& reader) {
    if (!counts_weights_) return reader.status();
    weight_sum_ = reader.ReadValue<double>();
    if (!reader.status().ok()) return reader.status();
    if (!IsSum(weight_sum_)) return reader.Damaged("the sum of weights is out of range");
    return absl::OkStatus();
  }

  // The range that scores are clipped to by rules that always clip; unlimited for others.
  static PredictionRange RangeOf(LossKind loss, const LearnerSpec& spec) {
    if (spec.vw) return PredictionRange(loss, spec.vw->bounds);
    if (spec.rules == LinearRules::kFirst) return PredictionRange();
    return PredictionRange(loss, {});
  }

  void CountSkipped() { skipped_count_.store(skipped_count() + 1, std::memory_order_relaxed); }

  // `window_count` is the number of examples in the window of a windowed optimizer.
  void SaveSlots(StateWriter& writer, uint32_t window_count) const;
  // Like Learner::LoadState(). DATA_LOSS also if the window count is above `max_window_count`.
  absl::Status LoadSlots(StateReader& reader, uint32_t max_window_count, uint32_t* window_count);

  // Constant after construction.
  const Loss loss_;
  const Rule rule_;
  const LinearOptions options_;
  // The initial intercept, added to every score, if slots of this rule do not hold a weight as
  // such; otherwise 0, and the intercept's slot starts with it.
  float offset_ = 0;
  const bool counts_weights_;

  // Written by the writer, read by readers.
  WeightTable<Slot> table_;
  SingleSlot<Slot> intercept_;
  std::atomic<uint64_t> steps_taken_{0};

  // Owned by the writer.
  Schedule schedule_;
  double weight_sum_ = 0;  // Only if counts_weights_.

 private:
  static constexpr uint32_t kStateVersion = 1;
  static constexpr uint64_t kMaxExamples = uint64_t{1} << 62;

  static bool TakesWidePath() { return Derived::kHasWidePath && WidePathIsOn(); }

  void LearnRowsOf(const ExampleBatch& batch, std::span<float> scores) {
    if (batch.values.empty()) {
      LearnRows<UnitRow>(batch, scores);
    } else {
      LearnRows<ValueRow>(batch, scores);
    }
  }
  [[FRESHET_WIDE_PATH]] void LearnRowsWide(const ExampleBatch& batch, std::span<float> scores) {
    if constexpr (Derived::kHasWidePath) LearnRowsOf(batch, scores);
  }

  void PredictRowsOf(const ExampleBatch& batch, const HashedSlots<Slot>& slots,
                     std::span<float> scores) const {
    if (batch.values.empty()) {
      PredictRows<UnitRow>(batch, slots, scores);
    } else {
      PredictRows<ValueRow>(batch, slots, scores);
    }
  }
  [[FRESHET_WIDE_PATH]] void PredictRowsWide(const ExampleBatch& batch,
                                             const HashedSlots<Slot>& slots,
                                             std::span<float> scores) const {
    if constexpr (Derived::kHasWidePath) PredictRowsOf(batch, slots, scores);
  }

  template <typename Row>
  void LearnRows(const ExampleBatch& batch, std::span<float> scores) {
    Prefetcher<Slot> ahead(table_.slots(), batch);
    for (size_t row = 0; row < batch.size(); ++row) {
      ahead.BeginRow(row);
      ahead.FetchPart();
      scores[row] = static_cast<Derived*>(this)->LearnRow(Row(batch, row), batch.labels[row],
                                                          batch.Weight(row), ahead);
    }
  }

  template <typename Row>
  void PredictRows(const ExampleBatch& batch, const HashedSlots<Slot>& slots,
                   std::span<float> scores) const {
    const auto* const derived = static_cast<const Derived*>(this);
    const auto view = derived->ReadView();
    Prefetcher<Slot> ahead(slots, batch);
    for (size_t row = 0; row < batch.size(); ++row) {
      ahead.BeginRow(row);
      ahead.FetchAll();
      scores[row] = derived->PredictRow(Row(batch, row), slots, view);
    }
  }

  // Written by the writer, read by readers.
  std::atomic<uint64_t> example_count_{0};
  std::atomic<uint64_t> skipped_count_{0};
};

template <typename Derived, LossFunction Loss, SlotRule Rule>
void TableLearner<Derived, Loss, Rule>::SaveSlots(StateWriter& writer,
                                                  uint32_t window_count) const {
  writer.WriteValue(kStateVersion);
  writer.WriteValue(static_cast<uint8_t>(loss_kind()));
  writer.WriteValue(uint8_t{Rule::kStateId});
  writer.WriteValue(static_cast<uint8_t>(options_.bits));
  writer.WriteValue(static_cast<uint8_t>(sizeof(Slot)));
  writer.WriteValue(example_count());
  writer.WriteValue(skipped_count());
  writer.WriteValue(steps_taken());
  writer.WriteValue(window_count);
  schedule_.SaveState(writer);
  writer.WriteValue(intercept_.LoadOwn());
  table_.SaveState(writer);
}

template <typename Derived, LossFunction Loss, SlotRule Rule>
absl::Status TableLearner<Derived, Loss, Rule>::LoadSlots(StateReader& reader,
                                                          uint32_t max_window_count,
                                                          uint32_t* window_count) {
  const auto version = reader.ReadValue<uint32_t>();
  if (!reader.status().ok()) return reader.status();
  if (version != kStateVersion) {
    return absl::DataLossError(StrCat(
        "the saved learner has version ", version, "; this program reads version ", kStateVersion,
        "; start the version that wrote the file, or restore an older snapshot"));
  }
  bool fits = reader.ReadValue<uint8_t>() == static_cast<uint8_t>(loss_kind());
  fits &= reader.ReadValue<uint8_t>() == Rule::kStateId;
  fits &= reader.ReadValue<uint8_t>() == options_.bits;
  fits &= reader.ReadValue<uint8_t>() == sizeof(Slot);
  if (!reader.status().ok()) return reader.status();
  if (!fits) {
    return absl::DataLossError(
        "the saved learner has another loss, optimizer or number of bits than the model's spec; "
        "restore a snapshot of a model with this spec");
  }
  const auto examples = reader.ReadValue<uint64_t>();
  const auto skipped = reader.ReadValue<uint64_t>();
  const auto steps_taken = reader.ReadValue<uint64_t>();
  *window_count = reader.ReadValue<uint32_t>();
  absl::Status status = schedule_.LoadState(reader);
  if (!status.ok()) return status;
  const auto intercept = reader.ReadValue<Slot>();
  if (!reader.status().ok()) return reader.status();
  if (steps_taken > examples || skipped > kMaxExamples || examples > kMaxExamples ||
      *window_count > max_window_count || !Rule::IsValid(intercept)) {
    return reader.Damaged("the example counts or the intercept of the learner are out of range");
  }
  example_count_.store(examples, std::memory_order_relaxed);
  skipped_count_.store(skipped, std::memory_order_relaxed);
  steps_taken_.store(steps_taken, std::memory_order_relaxed);
  intercept_.Store(intercept);
  return table_.LoadState(reader, &Rule::IsValid);
}

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_TABLE_LEARNER_H_
