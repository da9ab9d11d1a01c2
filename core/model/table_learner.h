// What all learners with one slot a feature have in common.

#ifndef FRESHET_CORE_MODEL_TABLE_LEARNER_H_
#define FRESHET_CORE_MODEL_TABLE_LEARNER_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/state.h"
#include "core/base/str_cat.h"
#include "core/feature/example_batch.h"
#include "core/loss/loss.h"
#include "core/model/learner.h"
#include "core/model/slot_array.h"
#include "core/model/spec.h"
#include "core/model/weight_table.h"
#include "core/optimizer/optimizer.h"
#include "core/optimizer/schedule.h"

namespace freshet {

// The table, the intercept, the schedule, the counts, and their saved form. What a step is, is left
// to the learners derived from it.
template <LossFunction Loss, SlotRule Rule>
class TableLearner : public Learner {
 public:
  using Slot = typename Rule::Slot;

  float Prediction(float score) const override { return loss_.Link(score); }

  uint64_t example_count() const override { return example_count_.load(std::memory_order_relaxed); }
  uint64_t skipped_count() const override { return skipped_count_.load(std::memory_order_relaxed); }

  uint64_t CountUsedSlots() const override { return table_.CountUsed(); }
  uint64_t table_bytes() const override { return table_.size_bytes(); }
  uint64_t slot_count() const override { return table_.slot_count(); }

 protected:
  TableLearner(const Loss& loss, const typename Rule::Options& rule, const LearnerSpec& spec,
               WeightTable<Slot> table)
      : loss_(loss),
        rule_(rule),
        options_(spec.linear),
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

  // Fetches the slots of the rows after `row` into the cache, from feature `*next` on.
  void PrefetchAhead(const ExampleBatch& batch, size_t row, size_t* next) const {
    const size_t last_row = std::min(row + kAheadRows, batch.size() - 1);
    const size_t end = std::min<size_t>(batch.RowEnd(last_row), batch.RowEnd(row) + kAheadFeatures);
    for (; *next < end; ++*next) table_.Prefetch(table_.IndexOf(batch.feature_ids[*next]));
  }

  uint64_t steps_taken() const { return steps_taken_.load(std::memory_order_relaxed); }

  void CountExamples(size_t count) {
    example_count_.store(example_count() + count, std::memory_order_relaxed);
  }
  void CountSkipped() { skipped_count_.store(skipped_count() + 1, std::memory_order_relaxed); }

  // `window_count` is the number of examples in the window of a windowed optimizer.
  void SaveSlots(StateWriter& writer, uint32_t window_count) const;
  // As Learner::LoadState(); reads a `window_count` of at most `max_window_count`.
  absl::Status LoadSlots(StateReader& reader, uint32_t max_window_count, uint32_t* window_count);

  // Constant after construction.
  const Loss loss_;
  const Rule rule_;
  const LinearOptions options_;
  // Added to every score: the initial intercept, where slots do not hold a weight as such.
  float offset_ = 0;

  // Written by the writer, read by readers.
  WeightTable<Slot> table_;
  SingleSlot<Slot> intercept_;
  std::atomic<uint64_t> steps_taken_{0};

  // Owned by the writer.
  Schedule schedule_;

 private:
  static constexpr uint32_t kStateVersion = 1;
  static constexpr uint64_t kMaxExamples = uint64_t{1} << 62;
  // How far ahead slots are fetched: enough to hide memory's latency, not more than caches hold.
  static constexpr size_t kAheadRows = 8;
  static constexpr size_t kAheadFeatures = 384;

  // Written by the writer, read by readers.
  std::atomic<uint64_t> example_count_{0};
  std::atomic<uint64_t> skipped_count_{0};
};

template <LossFunction Loss, SlotRule Rule>
void TableLearner<Loss, Rule>::SaveSlots(StateWriter& writer, uint32_t window_count) const {
  writer.WriteValue(kStateVersion);
  writer.WriteValue(static_cast<uint8_t>(Loss::kKind));
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

template <LossFunction Loss, SlotRule Rule>
absl::Status TableLearner<Loss, Rule>::LoadSlots(StateReader& reader, uint32_t max_window_count,
                                                 uint32_t* window_count) {
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
  *window_count = reader.ReadValue<uint32_t>();
  absl::Status status = schedule_.LoadState(reader);
  if (!status.ok()) return status;
  const auto intercept = reader.ReadValue<Slot>();
  if (!reader.status().ok()) return reader.status();
  if (steps_taken > examples || skipped > examples || examples > kMaxExamples ||
      *window_count > max_window_count || !Rule::IsValid(intercept)) {
    return absl::DataLossError("the saved learner has impossible counts or intercept");
  }
  example_count_.store(examples, std::memory_order_relaxed);
  skipped_count_.store(skipped, std::memory_order_relaxed);
  steps_taken_.store(steps_taken, std::memory_order_relaxed);
  intercept_.Store(intercept);
  return table_.LoadState(reader, &Rule::IsValid);
}

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_TABLE_LEARNER_H_
