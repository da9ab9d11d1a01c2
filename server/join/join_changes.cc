#include "server/join/join_changes.h"

#include <utility>

#include "core/base/str_cat.h"

namespace freshet {
namespace {

// Parses what a table holds for a key, if it holds anything.
template <typename Entry>
absl::Status ParseInto(const std::optional<std::string>& bytes, std::string_view table,
                       std::optional<Entry>& entry) {
  if (!bytes.has_value()) return absl::OkStatus();
  entry.emplace();
  return entry->Parse(*bytes) ? absl::OkStatus() : BrokenEntry(table);
}

}  // namespace

absl::Status BrokenEntry(std::string_view table) {
  return absl::DataLossError(StrCat("table ", table,
                                    " of the events holds an entry that cannot be right; the table "
                                    "is made anew from the log"));
}

absl::StatusOr<EventTime> TimeOfRow(const JoinView& view, const RecordEntry& record,
                                    RowPlace place) {
  if (!record.has_own_times) return EventTime{.record_ms = record.time_ms, .own_ms = {}};
  const absl::StatusOr<RowsEntry> rows = ReadRows(view, place.offset);
  if (!rows.ok()) return rows.status();
  return rows->time(place.row, record.time_ms);
}

absl::StatusOr<RowsEntry> ReadRows(const JoinView& view, uint64_t offset) {
  auto bytes = view.Get(JoinTable::kRows, OffsetKey(offset));
  if (!bytes.ok()) return bytes.status();
  RowsEntry rows;
  if (!bytes->has_value() || !rows.Parse(**bytes)) return BrokenEntry("rows");
  return rows;
}

absl::StatusOr<std::optional<JoinState>> ReadState(const JoinView& view) {
  auto bytes = view.Get(JoinTable::kMeta, kStateKey);
  if (!bytes.ok()) return bytes.status();
  std::optional<JoinState> state;
  if (bytes->has_value() && !state.emplace().Parse(**bytes)) {
    return absl::DataLossError("the table of events is of another version, or damaged");
  }
  return state;
}

absl::Status ReadRecentEvents(const JoinView& view, uint64_t begin, RecentEvents& recent) {
  JoinScan records = view.Scan(JoinTable::kRecords, OffsetKey(begin));
  JoinScan scan = view.Scan(JoinTable::kRows, OffsetKey(begin));
  for (; records.valid() && scan.valid(); records.Next(), scan.Next()) {
    const std::optional<uint64_t> offset = ParseOffsetKey(records.key());
    RecordEntry record;
    RowsEntry rows;
    if (!offset.has_value() || scan.key() != records.key() || !record.Parse(records.value())) {
      return BrokenEntry("records");
    }
    if (!rows.Parse(scan.value()) || rows.ids.size() != record.row_count) {
      return BrokenEntry("rows");
    }
    std::vector<std::pair<std::string, EventEntry>> events;
    for (uint32_t row = 0; row < record.row_count; ++row) {
      if (record.is_duplicate(row)) continue;
      events.emplace_back(std::move(rows.ids[row]),
                          EventEntry{.place = {.offset = *offset, .row = row},
                                     .time = rows.time(row, record.time_ms)});
    }
    recent.Add(events);
  }
  return records.status().ok() ? scan.status() : records.status();
}

absl::StatusOr<std::vector<std::optional<EventEntry>>> JoinChanges::FindEvents(
    const std::vector<std::string>& ids) const {
  std::vector<std::optional<EventEntry>> events = recent_.FindAll(ids);
  std::vector<std::string> other_ids;
  std::vector<std::optional<EventEntry>*> others;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (events[i].has_value()) continue;
    other_ids.push_back(ids[i]);
    others.push_back(&events[i]);
  }
  auto values = view_.GetAll(JoinTable::kEvents, other_ids);
  if (!values.ok()) return values.status();
  for (size_t i = 0; i < others.size(); ++i) {
    if (absl::Status status = ParseInto((*values)[i], "events", *others[i]); !status.ok()) {
      return status;
    }
  }
  for (std::optional<EventEntry>& event : events) {
    if (event.has_value() && state.IsRemoved(event->time)) event.reset();
  }
  return events;
}

absl::StatusOr<RecordEntry*> JoinChanges::FindRecord(uint64_t offset) {
  auto [it, added] = records_.try_emplace(offset);
  std::optional<RecordEntry>& entry = it->second.entry;
  if (added && state.retained && offset >= state.first_record) {
    auto bytes = view_.Get(JoinTable::kRecords, OffsetKey(offset));
    if (!bytes.ok()) return bytes.status();
    if (absl::Status status = ParseInto(*bytes, "records", entry); !status.ok()) return status;
  }
  return entry.has_value() ? &*entry : nullptr;
}

RecordEntry& JoinChanges::NewRecord(uint64_t offset) {
  Kept<RecordEntry>& kept = records_[offset];
  kept.touched = true;
  return kept.entry.emplace();
}

absl::StatusOr<FeedbackEntry*> JoinChanges::FindFeedback(RowPlace place) {
  if (whole_.Holds(place) && !feedback_.contains(place)) return nullptr;
  auto [it, added] = feedback_.try_emplace(place);
  std::optional<FeedbackEntry>& entry = it->second.entry;
  if (added && place.offset < state.offset) {
    auto bytes = view_.Get(JoinTable::kFeedback, PlaceKey(place));
    if (!bytes.ok()) return bytes.status();
    if (absl::Status status = ParseInto(*bytes, "feedback", entry); !status.ok()) return status;
  }
  return entry.has_value() ? &*entry : nullptr;
}

FeedbackEntry& JoinChanges::NewFeedback(RowPlace place) {
  Kept<FeedbackEntry>& kept = feedback_[place];
  kept.touched = true;
  return kept.entry.emplace();
}

absl::Status JoinChanges::ReadFeedback(const std::vector<RowPlace>& places) {
  std::vector<std::string> keys;
  std::vector<Kept<FeedbackEntry>*> kept;
  for (const RowPlace place : places) {
    auto [it, added] = feedback_.try_emplace(place);
    if (!added) continue;
    keys.push_back(PlaceKey(place));
    kept.push_back(&it->second);
  }
  auto values = view_.GetAll(JoinTable::kFeedback, keys);
  if (!values.ok()) return values.status();
  for (size_t i = 0; i < keys.size(); ++i) {
    absl::Status status = ParseInto((*values)[i], "feedback", kept[i]->entry);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status JoinChanges::ReadFeedback(uint64_t offset, uint32_t first, uint32_t last) {
  const std::string end = PlaceKey({.offset = offset, .row = last});
  JoinScan scan = view_.Scan(JoinTable::kFeedback, PlaceKey({.offset = offset, .row = first}));
  for (; scan.valid() && scan.key() <= end; scan.Next()) {
    const std::optional<RowPlace> place = ParsePlaceKey(scan.key());
    if (!place.has_value()) return BrokenEntry("feedback");
    auto [it, added] = feedback_.try_emplace(*place);
    if (!added) continue;
    it->second.entry.emplace();
    if (!it->second.entry->Parse(scan.value())) return BrokenEntry("feedback");
  }
  if (!scan.status().ok()) return scan.status();
  whole_ = {.offset = offset, .first = first, .last = last};
  return absl::OkStatus();
}

absl::StatusOr<std::vector<HeldFeedback>*> JoinChanges::FindHeld(const std::string& event_id) {
  auto [it, added] = held_.try_emplace(event_id);
  Kept<std::vector<HeldFeedback>>& kept = it->second;
  if (added && state.figures.held > 0) {
    auto bytes = view_.Get(JoinTable::kHeld, event_id);
    if (!bytes.ok()) return bytes.status();
    kept.stored = bytes->has_value();
    if (kept.stored && !ParseHeld(**bytes, kept.entry.emplace())) return BrokenEntry("held");
  }
  kept.touched = true;
  if (!kept.entry.has_value()) kept.entry.emplace();
  return &*kept.entry;
}

absl::Status JoinChanges::ReadHeld(const std::vector<std::string>& event_ids) {
  std::vector<std::string> keys;
  for (const std::string& id : event_ids) {
    if (!held_.contains(id)) keys.push_back(id);
  }
  auto values = view_.GetAll(JoinTable::kHeld, keys);
  if (!values.ok()) return values.status();
  for (size_t i = 0; i < keys.size(); ++i) {
    Kept<std::vector<HeldFeedback>>& kept = held_[keys[i]];
    kept.stored = (*values)[i].has_value();
    if (!kept.stored) continue;
    if (!ParseHeld(*(*values)[i], kept.entry.emplace())) return BrokenEntry("held");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<uint32_t>> JoinChanges::ReadWhatIsHeld(
    const std::vector<std::string>& event_ids) {
  std::vector<uint32_t> numbers;
  if (state.figures.held == 0) return numbers;
  auto values = view_.GetAll(JoinTable::kHeld, event_ids);
  if (!values.ok()) return values.status();
  for (uint32_t i = 0; i < event_ids.size(); ++i) {
    if (!(*values)[i].has_value()) continue;
    numbers.push_back(i);
    auto [it, added] = held_.try_emplace(event_ids[i]);
    Kept<std::vector<HeldFeedback>>& kept = it->second;
    if (!added) continue;
    kept.stored = true;
    if (!ParseHeld(*(*values)[i], kept.entry.emplace())) return BrokenEntry("held");
  }
  return numbers;
}

void JoinChanges::Enqueue(RowPlace place, FeedbackEntry& entry) {
  if (entry.queued != 0) return;
  entry.queued = state.queue_end++;
  if (state.queue_count == 0) state.queue_begin = entry.queued;
  ++state.queue_count;
  write.Put(JoinTable::kQueue, SequenceKey(entry.queued), PlaceKey(place));
  TouchFeedback(place);
}

void JoinChanges::Dequeue(RowPlace place, FeedbackEntry& entry) {
  if (entry.queued == 0) return;
  write.Delete(JoinTable::kQueue, SequenceKey(entry.queued));
  dequeued_.insert(SequenceKey(entry.queued));
  entry.queued = 0;
  --state.queue_count;
  TouchFeedback(place);
}

absl::Status JoinChanges::FindQueueBegin() {
  if (dequeued_.empty()) return absl::OkStatus();
  JoinScan scan = view_.Scan(JoinTable::kQueue, SequenceKey(state.queue_begin));
  while (scan.valid() && dequeued_.contains(std::string(scan.key()))) scan.Next();
  const auto first = scan.valid() ? ParseOffsetKey(scan.key()) : queue_end_before_;
  if (!first.has_value()) return BrokenEntry("queue");
  state.queue_begin = *first;
  return scan.status();
}

const JoinWrite& JoinChanges::Finish() {
  for (const auto& [offset, kept] : records_) {
    if (kept.touched && kept.entry) {
      write.Put(JoinTable::kRecords, OffsetKey(offset), kept.entry->Format());
    }
  }
  for (const auto& [place, kept] : feedback_) {
    if (kept.touched && kept.entry) {
      write.Put(JoinTable::kFeedback, PlaceKey(place), kept.entry->Format());
    }
  }
  for (const auto& [id, kept] : held_) {
    if (!kept.touched) continue;
    if (kept.entry->empty()) {
      if (kept.stored) write.Delete(JoinTable::kHeld, id);
    } else {
      write.Put(JoinTable::kHeld, id, FormatHeld(*kept.entry));
    }
  }
  write.Put(JoinTable::kMeta, kStateKey, state.Format());
  return write;
}

}  // namespace freshet
