#include "server/join/join_labels.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "server/join/label_aggregate.h"

namespace freshet {
namespace {

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

}  // namespace freshet
