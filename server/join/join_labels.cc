#include "server/join/join_labels.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

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

// One row of a decision.
struct DecidedRow {
  RowPlace place;
  EventLabel label;
  bool corrects = false;
};

bool FitsTogether(const v1::LabelledRecord& decided) {
  const int count = decided.labels_size();
  const auto fits = [count](int size) { return size == 0 || size == count; };
  return fits(decided.rows_size()) && fits(decided.weights_size()) &&
         fits(decided.old_labels_size()) && fits(decided.matched_size());
}

DecidedRow RowOf(const v1::LabelledRecord& decided, int index) {
  DecidedRow row;
  row.place = {.offset = decided.offset(),
               .row = decided.rows().empty() ? decided.first_row() + static_cast<uint32_t>(index)
                                             : decided.rows(index)};
  row.label = {.label = decided.labels(index),
               .weight = decided.weights().empty() ? 1.0f : decided.weights(index),
               .matched = !decided.matched().empty() && decided.matched(index)};
  row.corrects = !decided.old_labels().empty();
  return row;
}

// Applies one decision.
class LabelsApplier {
 public:
  LabelsApplier(const v1::LabelsNote& note, JoinChanges& changes)
      : note_(note),
        changes_(changes),
        state_(changes.state),
        cursor_(
            std::max(state_.due, RowPlace{.offset = note.due_offset(), .row = note.due_row()})) {}

  absl::Status Apply() {
    for (const v1::LabelledRecord& decided : note_.records()) {
      if (absl::Status status = ApplyRows(decided); !status.ok()) return status;
    }
    if (absl::Status status = MoveCursor(); !status.ok()) return status;
    state_.labels_number = note_.number();
    state_.takes_any_number = false;
    state_.settled_below = std::max(state_.settled_below, note_.settled_below());
    return changes_.FindQueueBegin();
  }

 private:
  absl::Status ApplyRows(const v1::LabelledRecord& decided) {
    const int count = decided.labels_size();
    if (count == 0 || !FitsTogether(decided)) return absl::OkStatus();
    const absl::StatusOr<RecordEntry*> record = changes_.FindRecord(decided.offset());
    if (!record.ok()) return record.status();
    if (*record == nullptr) return absl::OkStatus();
    const uint32_t last = std::min(RowOf(decided, count - 1).place.row, (*record)->row_count - 1);
    absl::Status status =
        changes_.ReadFeedback(decided.offset(), RowOf(decided, 0).place.row, last);
    for (int i = 0; i < count && status.ok(); ++i) {
      const DecidedRow row = RowOf(decided, i);
      if (row.place.row < (*record)->row_count) status = ApplyRow(row, **record);
    }
    return status;
  }

  absl::Status ApplyRow(const DecidedRow& row, RecordEntry& record) {
    const bool is_early = !(row.place < cursor_);
    if (record.is_duplicate(row.place.row)) {
      if (is_early) SetEarly(row.place, record);
      return absl::OkStatus();
    }
    absl::StatusOr<FeedbackEntry*> entry = changes_.FindFeedback(row.place);
    if (!entry.ok()) return entry.status();
    const bool was_decided = *entry != nullptr ? (*entry)->decided : row.place < state_.due;
    if (!was_decided) {
      if (row.corrects) return absl::OkStatus();
      CountFirst(row.label);
      if (is_early) SetEarly(row.place, record);
      if (*entry == nullptr && !is_early && IsOfSpan(row)) return absl::OkStatus();
    }
    if (*entry == nullptr) {
      const absl::StatusOr<EventTime> time = TimeOfRow(changes_.view(), record, row.place);
      if (!time.ok()) return time.status();
      entry = FindOrAddFeedbackEntry(row.place, *time, changes_);
      if (!entry.ok()) return entry.status();
    }
    changes_.Dequeue(row.place, **entry);
    if (was_decided && !CountLater(row, **entry)) return absl::OkStatus();
    PutDecision(row, **entry);
    return absl::OkStatus();
  }

  void CountFirst(const EventLabel& label) {
    --state_.figures.pending;
    if (std::isnan(label.label)) {
      ++state_.figures.dropped;
    } else {
      ++(label.matched ? state_.figures.matched : state_.figures.defaulted);
    }
  }

  // A decision about a row that was decided before. False if it has no effect.
  bool CountLater(const DecidedRow& row, FeedbackEntry& entry) {
    JoinFigures& figures = state_.figures;
    const bool was_learned = !std::isnan(entry.label);
    if (std::isnan(row.label.label) || row.corrects != was_learned) return false;
    if (!was_learned) {
      --figures.dropped;
      ++(row.label.matched ? figures.matched : figures.defaulted);
    } else if (!entry.corrected) {
      entry.corrected = true;
      ++figures.corrected;
    }
    return true;
  }

  void PutDecision(const DecidedRow& row, FeedbackEntry& entry) {
    entry.decided = true;
    entry.matched = row.label.matched;
    entry.label = row.label.label;
    entry.weight = row.label.weight;
    entry.decide_time_ms = state_.record_time_ms;
    entry.decide_offset = state_.offset;
    changes_.TouchFeedback(row.place);
    Reconsider(row.place, entry, changes_);
  }

  void SetEarly(RowPlace place, RecordEntry& record) {
    record.set_early(place.row);
    if (record.all_early()) Release(record);
    changes_.TouchRecord(place.offset);
  }

  // The bytes of a record whose rows are all decided wait no more.
  void Release(RecordEntry& record) {
    if (record.counted) state_.figures.pending_bytes -= record.log_bytes;
    record.counted = false;
  }

  // Whether the span of the row's record says what was decided about it. The first such row says
  // what the label of the span is.
  bool IsOfSpan(const DecidedRow& row) {
    if (row.label.matched || row.label.weight != 1) return false;
    const float label = row.label.label;
    const float of_span = span_labels_.try_emplace(row.place.offset, label).first->second;
    return of_span == label || (std::isnan(of_span) && std::isnan(label));
  }

  // Notes that all rows up to the cursor are decided, and finds the first that waits.
  absl::Status MoveCursor() {
    const RowPlace before = state_.due;
    state_.due_time.reset();
    state_.due = {.offset = state_.offset + 1, .row = 0};
    JoinScan scan = changes_.view().Scan(JoinTable::kRecords, OffsetKey(before.offset));
    for (; scan.valid(); scan.Next()) {
      const std::optional<uint64_t> offset = ParseOffsetKey(scan.key());
      if (!offset.has_value()) return BrokenEntry("records");
      const absl::StatusOr<RecordEntry*> found = changes_.FindRecord(*offset);
      if (!found.ok()) return found.status();
      if (*found == nullptr) continue;
      RecordEntry& record = **found;
      RowPlace place{.offset = *offset, .row = *offset == before.offset ? before.row : 0};
      AddSpan(place, record);
      while (place.row < record.row_count && record.is_early(place.row)) ++place.row;
      if (place.row < record.row_count) return StopAt(place, record);
      Release(record);
      changes_.TouchRecord(*offset);
    }
    return scan.status();
  }

  // Notes the decision for the rows from `place` up to the cursor, and moves `place` there.
  void AddSpan(RowPlace& place, RecordEntry& record) {
    uint32_t end = 0;
    if (place.offset < cursor_.offset) end = record.row_count;
    if (place.offset == cursor_.offset) end = std::min(cursor_.row, record.row_count);
    if (end <= place.row) return;
    const auto label = span_labels_.find(place.offset);
    record.spans.push_back(
        {.end_row = end,
         .label = label == span_labels_.end() ? DefaultLabelOf(state_.rule) : label->second,
         .time_ms = state_.record_time_ms,
         .offset = state_.offset});
    changes_.TouchRecord(place.offset);
    place.row = end;
  }

  absl::Status StopAt(RowPlace place, const RecordEntry& record) {
    const absl::StatusOr<EventTime> time = TimeOfRow(changes_.view(), record, place);
    if (!time.ok()) return time.status();
    state_.due = place;
    state_.due_time = *time;
    return absl::OkStatus();
  }

  const v1::LabelsNote& note_;
  JoinChanges& changes_;
  JoinState& state_;
  const RowPlace cursor_;
  std::map<uint64_t, float> span_labels_;  // By record.
};

}  // namespace

absl::StatusOr<FeedbackEntry*> FindOrAddFeedbackEntry(RowPlace place, const EventTime& time,
                                                      JoinChanges& changes) {
  absl::StatusOr<FeedbackEntry*> found = changes.FindFeedback(place);
  if (!found.ok() || *found != nullptr) return found;
  const absl::StatusOr<RecordEntry*> record = changes.FindRecord(place.offset);
  if (!record.ok()) return record.status();
  FeedbackEntry& entry = changes.NewFeedback(place);
  entry.time = time;
  if (*record == nullptr || !(place < changes.state.due)) return &entry;
  const DecidedSpan* const span = (*record)->FindSpan(place.row);
  if (span == nullptr) return &entry;
  entry.decided = true;
  entry.label = span->label;
  entry.decide_time_ms = span->time_ms;
  entry.decide_offset = span->offset;
  return &entry;
}

void Reconsider(RowPlace place, FeedbackEntry& entry, JoinChanges& changes) {
  const v1::LabelRule& rule = changes.state.rule;
  bool wanted = entry.queued != 0;
  if (!entry.decided && rule.policy() == v1::LABEL_POLICY_AT_FEEDBACK) {
    wanted = SettlesLabel(rule, entry.items, AddMs(entry.time.ms(), WaitMs(rule)));
  } else if (entry.decided && rule.policy() == v1::LABEL_POLICY_CORRECT &&
             place.offset >= changes.state.settled_below) {
    const float label = LabelOf(rule, entry.items, AddMs(entry.time.ms(), HorizonMs(rule))).label;
    wanted = !std::isnan(label) && label != entry.label;
  }
  if (wanted) {
    changes.Enqueue(place, entry);
  } else {
    changes.Dequeue(place, entry);
  }
}

absl::Status ApplyLabels(const v1::LabelsNote& note, JoinChanges& changes) {
  const JoinState& state = changes.state;
  const bool is_next = state.takes_any_number ? note.number() > state.labels_number
                                              : note.number() == state.labels_number + 1;
  if (!is_next) return absl::OkStatus();
  return LabelsApplier(note, changes).Apply();
}

absl::StatusOr<std::optional<v1::LabelsNote>> DecideLabels(const JoinView& view,
                                                           const JoinState& state, int64_t now_ms,
                                                           size_t max_rows) {
  return LabelsDecider(view, state, now_ms, max_rows).Decide();
}

}  // namespace freshet
