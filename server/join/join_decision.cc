#include "server/join/join_decision.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include "server/join/join_changes.h"
#include "server/join/join_entries.h"
#include "server/join/label_aggregate.h"

namespace freshet {
namespace {

// How many records Decide() looks at for the first that is not settled, at most.
constexpr int kMaxSettledScan = 256;

constexpr float kNotLearned = std::numeric_limits<float>::quiet_NaN();

// A decision that is being made.
class LabelsDraft {
 public:
  // `old_label`: what the row was learned with before, if it was.
  void Add(RowPlace place, const EventLabel& label, std::optional<float> old_label) {
    v1::LabelledRecord& record = RecordFor(place, old_label.has_value());
    record.add_rows(place.row);
    record.add_labels(label.label);
    record.add_weights(label.weight);
    record.add_matched(label.matched);
    if (old_label.has_value()) record.add_old_labels(*old_label);
    ++rows_;
  }

  size_t rows() const { return rows_; }

  // The decision, in its shortest form.
  v1::LabelsNote Finish() {
    for (v1::LabelledRecord& record : *note_.mutable_records()) Shorten(record);
    return std::move(note_);
  }

 private:
  v1::LabelledRecord& RecordFor(RowPlace place, bool corrects) {
    if (!note_.records().empty()) {
      v1::LabelledRecord& last = *note_.mutable_records()->rbegin();
      if (last.offset() == place.offset && last.old_labels().empty() != corrects &&
          last.rows(last.rows_size() - 1) < place.row) {
        return last;
      }
    }
    v1::LabelledRecord& added = *note_.add_records();
    added.set_offset(place.offset);
    return added;
  }

  static void Shorten(v1::LabelledRecord& record) {
    const uint32_t first = record.rows(0);
    const auto count = static_cast<uint32_t>(record.rows_size());
    if (record.rows(record.rows_size() - 1) - first + 1 == count) {
      record.set_first_row(first);
      record.clear_rows();
    }
    const auto& weights = record.weights();
    if (std::all_of(weights.begin(), weights.end(), [](float weight) { return weight == 1; })) {
      record.clear_weights();
    }
    const auto& matched = record.matched();
    if (std::none_of(matched.begin(), matched.end(), [](bool one) { return one; })) {
      record.clear_matched();
    }
  }

  v1::LabelsNote note_;
  size_t rows_ = 0;
};

// Makes the next decision.
class LabelsDecider {
 public:
  LabelsDecider(const JoinView& view, const JoinState& state, int64_t now_ms, size_t max_rows)
      : view_(view), state_(state), now_ms_(now_ms), max_rows_(max_rows), cursor_(state.due) {}

  absl::StatusOr<std::optional<v1::LabelsNote>> Decide() {
    if (absl::Status status = AddQueued(); !status.ok()) return status;
    if (queue_done_ && state_.due_time.has_value()) {
      if (absl::Status status = AddDue(); !status.ok()) return status;
    }
    if (draft_.rows() == 0) return std::nullopt;
    const absl::StatusOr<uint64_t> settled = SettledBelow();
    if (!settled.ok()) return settled.status();
    v1::LabelsNote note = draft_.Finish();
    note.set_number(state_.labels_number + 1);
    note.set_settled_below(std::max(*settled, state_.settled_below));
    note.set_due_offset(cursor_.offset);
    note.set_due_row(cursor_.row);
    return note;
  }

 private:
  bool is_full() const { return draft_.rows() >= max_rows_; }

  // The rows that do not wait.
  absl::Status AddQueued() {
    if (state_.queue_count == 0) return absl::OkStatus();
    JoinScan scan = view_.Scan(JoinTable::kQueue, SequenceKey(state_.queue_begin));
    for (; scan.valid(); scan.Next()) {
      if (is_full()) {
        queue_done_ = false;
        break;
      }
      const std::optional<RowPlace> place = ParsePlaceKey(scan.value());
      if (!place.has_value()) return BrokenEntry("queue");
      auto bytes = view_.Get(JoinTable::kFeedback, scan.value());
      if (!bytes.ok()) return bytes.status();
      FeedbackEntry entry;
      if (!bytes->has_value() || !entry.Parse(**bytes)) return BrokenEntry("feedback");
      AddQueuedRow(*place, entry);
    }
    return scan.status();
  }

  void AddQueuedRow(RowPlace place, const FeedbackEntry& entry) {
    const v1::LabelRule& rule = state_.rule;
    if (!entry.decided) {
      early_.insert(place);
      draft_.Add(place, LabelOf(rule, entry.items, AddMs(entry.time.ms(), WaitMs(rule))), {});
      return;
    }
    EventLabel label = LabelOf(rule, entry.items, AddMs(entry.time.ms(), HorizonMs(rule)));
    if (std::isnan(label.label)) {  // What was learned cannot be made unlearned.
      label = {.label = entry.label, .weight = entry.weight, .matched = entry.matched};
    }
    std::optional<float> old_label;
    if (!std::isnan(entry.label)) old_label = entry.label;
    draft_.Add(place, label, old_label);
  }

  // The rows whose wait is over.
  absl::Status AddDue() {
    JoinScan records = view_.Scan(JoinTable::kRecords, OffsetKey(cursor_.offset));
    JoinScan feedback = view_.Scan(JoinTable::kFeedback, PlaceKey(cursor_));
    for (; records.valid(); records.Next()) {
      const std::optional<uint64_t> offset = ParseOffsetKey(records.key());
      RecordEntry record;
      if (!offset.has_value() || !record.Parse(records.value())) return BrokenEntry("records");
      if (*offset > cursor_.offset) cursor_ = {.offset = *offset, .row = 0};
      const absl::StatusOr<bool> all = AddDueRows(record, feedback);
      if (!all.ok()) return all.status();
      if (!*all) return feedback.status();
      cursor_ = {.offset = *offset + 1, .row = 0};
    }
    return records.status().ok() ? feedback.status() : records.status();
  }

  // The rows of one record from the cursor on. False if a row is left.
  absl::StatusOr<bool> AddDueRows(const RecordEntry& record, JoinScan& feedback) {
    const bool by_clock = now_ms_ >= AddMs(record.time_ms, WaitMs(state_.rule));
    if (!by_clock && !record.has_own_times) return false;
    RowsEntry rows;
    if (record.has_own_times) {
      absl::StatusOr<RowsEntry> read = ReadRows(view_, cursor_.offset);
      if (!read.ok()) return read.status();
      rows = *std::move(read);
    }
    for (; cursor_.row < record.row_count; ++cursor_.row) {
      if (record.is_early(cursor_.row) || early_.contains(cursor_)) continue;
      const EventTime time = rows.time(cursor_.row, record.time_ms);
      const int64_t end_ms = AddMs(time.ms(), WaitMs(state_.rule));
      if (is_full() || !(by_clock || state_.stream_ms() >= end_ms)) return false;
      if (absl::Status status = AddDueRow(record, end_ms, feedback); !status.ok()) return status;
    }
    return true;
  }

  absl::Status AddDueRow(const RecordEntry& record, int64_t end_ms, JoinScan& feedback) {
    if (record.is_duplicate(cursor_.row)) {
      draft_.Add(cursor_, {.label = kNotLearned}, {});
      return absl::OkStatus();
    }
    std::optional<RowPlace> place;
    for (; feedback.valid(); feedback.Next()) {
      place = ParsePlaceKey(feedback.key());
      if (!place.has_value()) return BrokenEntry("feedback");
      if (!(*place < cursor_)) break;
    }
    if (!feedback.valid() || *place != cursor_) {
      draft_.Add(cursor_, {.label = DefaultLabelOf(state_.rule)}, {});
      return absl::OkStatus();
    }
    FeedbackEntry entry;
    if (!entry.Parse(feedback.value())) return BrokenEntry("feedback");
    if (!entry.decided) draft_.Add(cursor_, LabelOf(state_.rule, entry.items, end_ms), {});
    return absl::OkStatus();
  }

  // The first record that a later decision may refer to.
  absl::StatusOr<uint64_t> SettledBelow() const {
    if (!queue_done_) return state_.settled_below;
    if (state_.rule.policy() == v1::LABEL_POLICY_CORRECT) {
      return state_.retained ? state_.first_record : state_.offset;
    }
    JoinScan records = view_.Scan(JoinTable::kRecords, OffsetKey(cursor_.offset));
    for (int count = 0; records.valid(); records.Next(), ++count) {
      const std::optional<uint64_t> offset = ParseOffsetKey(records.key());
      RecordEntry record;
      if (!offset.has_value() || !record.Parse(records.value())) return BrokenEntry("records");
      if (count == kMaxSettledScan) return *offset;
      RowPlace place{.offset = *offset, .row = *offset == cursor_.offset ? cursor_.row : 0};
      for (; place.row < record.row_count; ++place.row) {
        if (!record.is_early(place.row) && !early_.contains(place)) return *offset;
      }
    }
    if (!records.status().ok()) return records.status();
    return state_.offset;
  }

  const JoinView& view_;
  const JoinState& state_;
  const int64_t now_ms_;
  const size_t max_rows_;

  LabelsDraft draft_;
  std::set<RowPlace> early_;  // Rows of this decision that are decided before their wait is over.
  bool queue_done_ = true;    // No row that does not wait is left over.
  RowPlace cursor_;
};

}  // namespace

absl::StatusOr<std::optional<v1::LabelsNote>> DecideLabels(const JoinView& view,
                                                           const JoinState& state, int64_t now_ms,
                                                           size_t max_rows) {
  return LabelsDecider(view, state, now_ms, max_rows).Decide();
}

}  // namespace freshet
