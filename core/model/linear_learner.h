// A linear model, for one loss and one optimizer. To make one, see factory.h.

#ifndef FRESHET_CORE_MODEL_LINEAR_LEARNER_H_
#define FRESHET_CORE_MODEL_LINEAR_LEARNER_H_

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/state.h"
#include "core/base/str_cat.h"
#include "core/feature/example_batch.h"
#include "core/model/learner.h"
#include "core/model/slot_array.h"
#include "core/model/spec.h"
#include "core/model/weight_table.h"
#include "core/optimizer/bounds.h"
#include "core/optimizer/optimizer.h"
#include "core/optimizer/schedule.h"
#include "core/optimizer/step_context.h"

namespace freshet {

// The score is the intercept plus the sum of weight * value over the features of an example.
//
// One step an example (for windowed optimizers, one a window): the gradient with respect to the
// score, times the importance weight, times each feature's value goes to the optimizer. An example
// of weight 0 is predicted, and changes nothing.
template <typename Loss, Optimizer Rule>
class LinearLearner final : public Learner {
 public:
  using Slot = typename Rule::Slot;

  // RESOURCE_EXHAUSTED where there is no memory for the table.
  static absl::StatusOr<std::unique_ptr<Learner>> Create(const typename Rule::Options& rule,
                                                         const ScheduleOptions& schedule,
                                                         const LinearOptions& linear) {
    absl::StatusOr<WeightTable<Slot>> table = WeightTable<Slot>::Create(linear.bits);
    if (!table.ok()) return table.status();
    return std::unique_ptr<Learner>(new LinearLearner(rule, schedule, linear, *std::move(table)));
  }

  void LearnBatch(const ExampleBatch& batch, std::span<float> scores) override {
    if (batch.values.empty()) {
      LearnRows<UnitRow>(batch, scores);
    } else {
      LearnRows<ValueRow>(batch, scores);
    }
    example_count_.store(example_count() + batch.size(), std::memory_order_relaxed);
  }

  void PredictBatch(const ExampleBatch& batch, std::span<float> scores) const override {
    if (batch.values.empty()) {
      PredictRows<UnitRow>(batch, scores);
    } else {
      PredictRows<ValueRow>(batch, scores);
    }
  }

  float Prediction(float score) const override { return Loss::Link(score); }

  uint64_t example_count() const override { return example_count_.load(std::memory_order_relaxed); }
  uint64_t skipped_count() const override { return skipped_count_.load(std::memory_order_relaxed); }

  void SaveState(StateWriter& writer) const override;
  absl::Status LoadState(StateReader& reader) override;

  uint64_t CountUsedSlots() const override { return table_.CountUsed(); }
  uint64_t table_bytes() const override { return table_.size_bytes(); }

 private:
  static constexpr bool kWindowed = WindowedOptimizer<Rule>;
  static constexpr uint32_t kStateVersion = 1;
  static constexpr uint64_t kMaxExamples = uint64_t{1} << 62;
  // Between two refreshes of all slots, to keep their ages well below 2^31.
  static constexpr uint64_t kRefreshSteps = uint64_t{1} << 30;
  // How far ahead slots are fetched: enough to hide memory's latency, not more than caches hold.
  static constexpr size_t kAheadRows = 8;
  static constexpr size_t kAheadFeatures = 384;

  // The features of one example, all of value 1.
  struct UnitRow {
    UnitRow(const ExampleBatch& batch, size_t row)
        : ids(batch.feature_ids.data() + batch.RowBegin(row)),
          size(batch.RowEnd(row) - batch.RowBegin(row)) {}
    static float Value(size_t /*i*/) { return 1.0f; }
    static float MaxAbsValue() { return 1.0f; }

    const uint32_t* ids;
    size_t size;
  };

  // The features of one example, with values.
  struct ValueRow : UnitRow {
    ValueRow(const ExampleBatch& batch, size_t row)
        : UnitRow(batch, row), values(batch.values.data() + batch.RowBegin(row)) {}
    float Value(size_t i) const { return values[i]; }
    // Not below 1, the value of the intercept.
    float MaxAbsValue() const {
      float result = 1.0f;
      for (size_t i = 0; i < this->size; ++i) result = std::max(result, std::abs(values[i]));
      return result;
    }

    const float* values;
  };

  // One step, for features and for the intercept, which has its own rate and no l2.
  struct StepPair {
    using Context = decltype(std::declval<const Rule&>().Prepare(StepContext()));

    Context feature;
    Context intercept;
  };

  LinearLearner(const typename Rule::Options& rule, const ScheduleOptions& schedule,
                const LinearOptions& linear, WeightTable<Slot> table)
      : options_(linear),
        clip_(linear.gradient_clip > 0 ? static_cast<float>(linear.gradient_clip)
                                       : std::numeric_limits<float>::infinity()),
        rule_(rule),
        table_(std::move(table)),
        schedule_(schedule) {
    Slot slot{};
    slot.weight = linear.intercept ? static_cast<float>(linear.initial_intercept) : 0.0f;
    intercept_.Store(slot);
  }

  // Fetches the slots of the rows after `row` into the cache, from feature `*next` on.
  void PrefetchAhead(const ExampleBatch& batch, size_t row, size_t* next) const {
    const size_t last_row = std::min(row + kAheadRows, batch.size() - 1);
    const size_t end = std::min<size_t>(batch.RowEnd(last_row), batch.RowEnd(row) + kAheadFeatures);
    for (; *next < end; ++*next) table_.Prefetch(table_.IndexOf(batch.feature_ids[*next]));
  }

  // The weights as the writer and as readers load them.
  float OwnWeight(uint32_t index, uint64_t steps_taken) const {
    return rule_.Weight(table_.LoadOwn(index), steps_taken);
  }
  float SharedWeight(uint32_t index, uint64_t steps_taken) const {
    return rule_.Weight(table_.Load(index), steps_taken);
  }

  // `weight_of` is one of the functions above. Four sums side by side; their order is part of the
  // result.
  template <auto weight_of, typename Row>
  float Score(const Row& row, float intercept, uint64_t steps_taken) const {
    const auto term = [&](size_t i) {
      return (this->*weight_of)(table_.IndexOf(row.ids[i]), steps_taken) * row.Value(i);
    };
    float sums[4] = {intercept, 0, 0, 0};
    size_t i = 0;
    for (; i + 4 <= row.size; i += 4) {
      sums[0] += term(i);
      sums[1] += term(i + 1);
      sums[2] += term(i + 2);
      sums[3] += term(i + 3);
    }
    for (; i < row.size; ++i) sums[i % 4] += term(i);
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
  }

  template <typename Row>
  void LearnRows(const ExampleBatch& batch, std::span<float> scores) {
    size_t next = 0;
    for (size_t row = 0; row < batch.size(); ++row) {
      PrefetchAhead(batch, row, &next);
      scores[row] = LearnRow(Row(batch, row), batch.labels[row], batch.Weight(row));
    }
  }

  // Returns the score before the update.
  template <typename Row>
  float LearnRow(const Row& row, float label, float weight) {
    const uint64_t steps_taken = steps_taken_.load(std::memory_order_relaxed);
    const float intercept = rule_.Weight(intercept_.LoadOwn(), steps_taken);
    const float score = Score<&LinearLearner::OwnWeight>(row, intercept, steps_taken);
    if (weight == 0) return std::isfinite(score) ? score : 0;
    const float gradient = Loss::Gradient(score, label) * weight;
    // False for NaN too: see bounds.h.
    if (!(std::abs(gradient) * row.MaxAbsValue() <= kMaxGradient) || !std::isfinite(score)) {
      skipped_count_.store(skipped_count() + 1, std::memory_order_relaxed);
      return std::isfinite(score) ? score : 0;
    }
    if constexpr (kWindowed) {
      Accumulate(row, gradient);
    } else {
      Step(row, gradient, steps_taken);
    }
    if (schedule_.observes_loss()) schedule_.Observe(Loss::Value(score, label), weight);
    return score;
  }

  template <typename Row>
  void Step(const Row& row, float gradient, uint64_t steps_taken) {
    const StepPair step = NextStep(steps_taken);
    for (size_t i = 0; i < row.size; ++i) {
      const uint32_t index = table_.IndexOf(row.ids[i]);
      Slot slot = table_.LoadOwn(index);
      rule_.Step(step.feature, gradient * row.Value(i), slot);
      table_.Store(index, slot);
    }
    if (options_.intercept) {
      Slot slot = intercept_.LoadOwn();
      rule_.Step(step.intercept, gradient, slot);
      intercept_.Store(slot);
    }
    FinishStep(steps_taken + 1);
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
    const uint64_t steps_taken = steps_taken_.load(std::memory_order_relaxed);
    const StepPair step = NextStep(steps_taken);
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

  StepPair NextStep(uint64_t steps_taken) const {
    const double share = schedule_.Share(steps_taken);
    StepContext context;
    context.step = steps_taken + 1;
    context.rate = static_cast<float>(options_.learning_rate * share);
    context.l2 = static_cast<float>(options_.l2);
    context.clip = clip_;
    StepPair step{rule_.Prepare(context), rule_.Prepare(context)};
    step.intercept.rate = static_cast<float>(options_.intercept_learning_rate * share);
    step.intercept.l2 = 0;
    return step;
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
  void PredictRows(const ExampleBatch& batch, std::span<float> scores) const {
    size_t next = 0;
    for (size_t row = 0; row < batch.size(); ++row) {
      PrefetchAhead(batch, row, &next);
      const uint64_t steps_taken = steps_taken_.load(std::memory_order_relaxed);
      const float intercept = rule_.Weight(intercept_.Load(), steps_taken);
      const float score =
          Score<&LinearLearner::SharedWeight>(Row(batch, row), intercept, steps_taken);
      scores[row] = std::isfinite(score) ? score : 0;
    }
  }

  // Constant after construction.
  const LinearOptions options_;
  const float clip_;
  const Rule rule_;

  // Written by the writer, read by readers.
  WeightTable<Slot> table_;
  SingleSlot<Slot> intercept_;
  std::atomic<uint64_t> steps_taken_{0};
  std::atomic<uint64_t> example_count_{0};
  std::atomic<uint64_t> skipped_count_{0};

  // Owned by the writer.
  Schedule schedule_;
  uint32_t window_count_ = 0;              // Examples in the window of a windowed optimizer.
  std::vector<uint32_t> pending_indices_;  // Slots that this window has added to.
};

template <typename Loss, Optimizer Rule>
void LinearLearner<Loss, Rule>::SaveState(StateWriter& writer) const {
  writer.WriteValue(kStateVersion);
  writer.WriteValue(static_cast<uint8_t>(Loss::kKind));
  writer.WriteValue(uint8_t{Rule::kStateId});
  writer.WriteValue(static_cast<uint8_t>(options_.bits));
  writer.WriteValue(static_cast<uint8_t>(sizeof(Slot)));
  writer.WriteValue(example_count());
  writer.WriteValue(skipped_count());
  writer.WriteValue(steps_taken_.load(std::memory_order_relaxed));
  writer.WriteValue(window_count_);
  schedule_.SaveState(writer);
  writer.WriteValue(intercept_.LoadOwn());
  table_.SaveState(writer);
}

template <typename Loss, Optimizer Rule>
absl::Status LinearLearner<Loss, Rule>::LoadState(StateReader& reader) {
  const auto version = reader.ReadValue<uint32_t>();
  if (version != kStateVersion) {
    return absl::DataLossError(StrCat("the saved learner has version ", version,
                                      ", this program reads version ", kStateVersion));
  }
  bool fits = reader.ReadValue<uint8_t>() == static_cast<uint8_t>(Loss::kKind);
  fits &= reader.ReadValue<uint8_t>() == Rule::kStateId;
  fits &= reader.ReadValue<uint8_t>() == options_.bits;
  fits &= reader.ReadValue<uint8_t>() == sizeof(Slot);
  if (!fits) {
    return absl::DataLossError("the saved learner has another loss, optimizer or number of bits");
  }
  const auto examples = reader.ReadValue<uint64_t>();
  const auto skipped = reader.ReadValue<uint64_t>();
  const auto steps_taken = reader.ReadValue<uint64_t>();
  window_count_ = reader.ReadValue<uint32_t>();
  absl::Status status = schedule_.LoadState(reader);
  if (!status.ok()) return status;
  const auto intercept = reader.ReadValue<Slot>();
  if (!reader.status().ok()) return reader.status();
  uint32_t max_window_count = 0;
  if constexpr (kWindowed) max_window_count = rule_.window_examples() - 1;
  if (steps_taken > examples || skipped > examples || examples > kMaxExamples ||
      window_count_ > max_window_count || !Rule::IsValid(intercept)) {
    return absl::DataLossError("the saved learner has impossible counts or intercept");
  }
  example_count_.store(examples, std::memory_order_relaxed);
  skipped_count_.store(skipped, std::memory_order_relaxed);
  steps_taken_.store(steps_taken, std::memory_order_relaxed);
  intercept_.Store(intercept);
  status = table_.LoadState(reader, &Rule::IsValid);
  if (!status.ok()) return status;
  if constexpr (kWindowed) {
    table_.VisitUsed([&](uint32_t index, const Slot& slot) {
      if (Rule::IsPending(slot)) pending_indices_.push_back(index);
    });
  }
  return absl::OkStatus();
}

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_LINEAR_LEARNER_H_
