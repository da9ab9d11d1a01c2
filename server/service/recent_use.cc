#include "server/service/recent_use.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "core/base/str_cat.h"
#include "core/feature/feature_columns.h"
#include "core/feature/feature_expander.h"
#include "server/record/record.h"
#include "server/view/feature_spec.h"
#include "server/view/learner_spec.h"

namespace freshet {
namespace {

// What is looked through; where that takes longer than kPatience, the next smaller part is.
constexpr std::array<uint64_t, 4> kTailBytes = {uint64_t{16} << 20, uint64_t{2} << 20,
                                                uint64_t{256} << 10, uint64_t{32} << 10};
constexpr std::chrono::seconds kPatience{1};

bool HasQuantileBins(const FeatureOptions& options) {
  return std::any_of(
      options.numerics.begin(), options.numerics.end(),
      [](const NumericOptions& numeric) { return numeric.kind == NumericKind::kQuantileBins; });
}

// Counts which slots the examples of a log use.
class UseCounter {
 public:
  UseCounter(const FeatureOptions& options, uint64_t slot_count, std::span<const uint32_t> slots,
             const std::function<bool()>& keep_going)
      : slot_count_(slot_count), keep_going_(keep_going) {
    if (options.adds_features() || !options.numerics.empty()) expander_.emplace(options);
    for (const uint32_t slot : slots) uses_[slot];
  }

  // Forgets all that was counted.
  void Reset() {
    example_count_ = 0;
    for (auto& [slot, use] : uses_) use = Use();
  }

  // False where it was to stop.
  bool Count(const ExampleBatch& batch, uint64_t offset) {
    if (expander_) expander_->MakePlan(batch, plan_);
    for (size_t row = 0; row < batch.size(); ++row) {
      if (!keep_going_()) return false;
      if (batch.Weight(row) == 0) continue;  // It was not learned.
      ++example_count_;
      if (expander_) {
        CountExpanded(batch, row, offset);
      } else {
        const uint32_t begin = batch.RowBegin(row);
        CountIds(batch.feature_ids.subspan(begin, batch.RowEnd(row) - begin), offset);
      }
    }
    return true;
  }

  RecentUses Result() const {
    RecentUses result{.example_count = example_count_, .by_slot = {}};
    for (const auto& [slot, use] : uses_) {
      if (use.example_count == 0) continue;
      v1::RecentUse& out = result.by_slot[slot];
      out.set_example_count(use.example_count);
      out.set_last_offset(use.last_offset);
      out.set_examples_since(example_count_ - use.last_example);
    }
    return result;
  }

 private:
  struct Use {
    uint64_t example_count = 0;
    uint64_t last_example = 0;  // From 1.
    uint64_t last_offset = 0;
  };

  void CountExpanded(const ExampleBatch& batch, size_t row, uint64_t offset) {
    // As the learner did: numbers are standardised once they have been seen.
    expander_->Observe(batch, row, plan_);
    columns_.Clear();
    expander_->AppendRow(batch, row, plan_, columns_);
    CountIds(columns_.id_column(), offset);
  }

  void CountIds(std::span<const uint32_t> ids, uint64_t offset) {
    for (const uint32_t id : ids) {
      const auto found = uses_.find(static_cast<uint32_t>(id % slot_count_));
      if (found == uses_.end() || found->second.last_example == example_count_) continue;
      found->second = {found->second.example_count + 1, example_count_, offset};
    }
  }

  const uint64_t slot_count_;
  const std::function<bool()>& keep_going_;
  std::optional<FeatureExpander> expander_;  // None: features are learned as they come.
  FeatureExpander::Plan plan_;
  FeatureColumns columns_;
  uint64_t example_count_ = 0;
  absl::flat_hash_map<uint32_t, Use> uses_;
};

}  // namespace

absl::StatusOr<RecentUses> FindRecentUses(LogReader& reader, uint64_t end_offset,
                                          const v1::LearnerSpec& learner, uint64_t slot_count,
                                          std::span<const uint32_t> slots,
                                          const std::function<bool()>& keep_going) {
  const FeatureOptions options = FeatureOptionsOf(learner.features());
  if (HasQuantileBins(options)) return RecentUses();
  UseCounter counter(options, slot_count, slots, keep_going);
  while (reader.offset() < end_offset) {
    const absl::StatusOr<std::optional<LogRecord>> record = reader.Next();
    if (!record.ok()) return record.status();
    if (!record->has_value()) break;
    const absl::StatusOr<Record> parsed =
        ParseRecord((*record)->kind, (*record)->payload, LossKindOf(learner));
    if (!parsed.ok()) return parsed.status();
    if (std::holds_alternative<RestoreRecord>(parsed->body)) counter.Reset();
    const BatchRecord* const batch = parsed->batch();
    if (batch == nullptr) continue;
    if (!counter.Count(batch->examples(), (*record)->offset)) {
      return absl::CancelledError("the log was not looked through to its end");
    }
  }
  return counter.Result();
}

absl::Status AddRecentUse(const ServedModel& model, const v1::LearnerSpec& learner,
                          uint64_t slot_count, const std::function<bool()>& keep_going,
                          v1::ExplainResponse& explanation) {
  std::vector<uint32_t> slots;
  for (const v1::Contribution& contribution : explanation.contributions()) {
    slots.push_back(contribution.feature().slot());
  }
  absl::StatusOr<RecentUses> uses = RecentUses();
  for (const uint64_t bytes : kTailBytes) {
    const absl::StatusOr<std::unique_ptr<LogReader>> reader = model.ReadLogTail(bytes);
    // There is no log, or it was cut since: it cannot be told.
    if (absl::IsNotFound(reader.status()) || absl::IsOutOfRange(reader.status())) {
      return absl::OkStatus();
    }
    if (!reader.ok()) return reader.status();
    const auto end = std::chrono::steady_clock::now() + kPatience;
    uses = FindRecentUses(**reader, explanation.offset(), learner, slot_count, slots,
                          [&] { return keep_going() && std::chrono::steady_clock::now() < end; });
    if (!absl::IsCancelled(uses.status())) break;
    if (!keep_going()) return uses.status();
  }
  // Not even so few: it is left out.
  if (absl::IsCancelled(uses.status())) return absl::OkStatus();
  if (!uses.ok()) return uses.status();
  explanation.set_recent_example_count(uses->example_count);
  for (v1::Contribution& contribution : *explanation.mutable_contributions()) {
    v1::WeightedFeature& feature = *contribution.mutable_feature();
    const auto found = uses->by_slot.find(feature.slot());
    if (found != uses->by_slot.end()) *feature.mutable_recent_use() = found->second;
  }
  return absl::OkStatus();
}

}  // namespace freshet
