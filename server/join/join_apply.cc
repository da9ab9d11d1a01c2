#include "server/join/join_apply.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "server/join/join_labels.h"
#include "server/join/label_aggregate.h"

namespace freshet {
namespace {

// How much old feedback and how many old records one record drops at most, beside as much as it
// brings.
constexpr uint64_t kMaxHeldDrops = 256;
constexpr int kMaxRecordDrops = 4;

// Feedback to an event that is known.
absl::Status AttachFeedback(const EventEntry& event, Feedback feedback, JoinChanges& changes) {
  JoinState& state = changes.state;
  JoinFigures& figures = state.figures;
  const int64_t horizon_ms = HorizonMs(state.rule);
  const int64_t event_ms = event.time.ms();
  if (feedback.time_ms > AddMs(event_ms, horizon_ms) || state.IsOlder(event.time, horizon_ms)) {
    ++figures.expired;
    return absl::OkStatus();
  }
  auto found = FindOrAddFeedbackEntry(event.place, event.time, changes);
  if (!found.ok()) return found.status();
  FeedbackEntry& entry = **found;
  const int64_t feedback_ms = feedback.time_ms;
  const bool withdraws = feedback.withdraws;
  switch (AddFeedback(std::move(feedback), entry.items)) {
    case AddedFeedback::kDuplicate:
      ++figures.duplicates;
      return absl::OkStatus();
    case AddedFeedback::kTooMuch:
      ++figures.ignored;
      return absl::OkStatus();
    case AddedFeedback::kNew:
      break;
  }
  if (!withdraws) figures.AddDelay(AddMs(feedback_ms, -event_ms));
  if (entry.decided || feedback_ms > AddMs(event_ms, WaitMs(state.rule))) {
    ++figures.late;
    entry.late = true;
  }
  changes.TouchFeedback(event.place);
  Reconsider(event.place, entry, changes);
  return absl::OkStatus();
}

// Feedback whose event is not known.
absl::Status HoldFeedback(const std::string& event_id, HeldFeedback held, JoinChanges& changes) {
  JoinState& state = changes.state;
  auto found = changes.FindHeld(event_id);
  if (!found.ok()) return found.status();
  if ((*found)->size() >= kMaxFeedbackPerEvent) {
    state.figures.AddUnmatched(event_id);
    return absl::OkStatus();
  }
  if (state.order_count == 0) {
    state.order_begin = held.item;
    state.order_time_ms = held.arrival_ms;
  }
  const HeldOrderEntry order{.arrival_ms = held.arrival_ms, .event_id = event_id};
  changes.write.Put(JoinTable::kHeldOrder, PlaceKey(held.item), order.Format());
  ++state.order_count;
  ++state.figures.held;
  (*found)->push_back(std::move(held));
  return absl::OkStatus();
}

// The feedback that was held for an event which comes now.
absl::Status TakeHeld(const std::string& event_id, const EventEntry& event, JoinChanges& changes) {
  auto found = changes.FindHeld(event_id);
  if (!found.ok()) return found.status();
  JoinState& state = changes.state;
  const std::vector<HeldFeedback> held = std::exchange(**found, {});
  state.figures.held -= held.size();
  for (const HeldFeedback& one : held) {
    if (AddMs(one.arrival_ms, HoldMs(state.rule)) < state.record_time_ms) {
      state.figures.AddUnmatched(event_id);
      continue;
    }
    if (auto status = AttachFeedback(event, one.feedback, changes); !status.ok()) return status;
  }
  return absl::OkStatus();
}

// Gives up feedback that was held long enough.
absl::Status DropHeld(uint64_t max_count, JoinChanges& changes) {
  JoinState& state = changes.state;
  const int64_t hold_ms = HoldMs(state.rule);
  if (state.order_count == 0 || AddMs(state.order_time_ms, hold_ms) >= state.record_time_ms) {
    return absl::OkStatus();
  }
  JoinScan scan = changes.view().Scan(JoinTable::kHeldOrder, PlaceKey(state.order_begin));
  for (uint64_t count = 0; scan.valid(); scan.Next(), ++count) {
    const std::optional<RowPlace> item = ParsePlaceKey(scan.key());
    HeldOrderEntry order;
    if (!item.has_value() || !order.Parse(scan.value())) return BrokenEntry("held_order");
    state.order_begin = *item;
    state.order_time_ms = order.arrival_ms;
    if (count == max_count || AddMs(order.arrival_ms, hold_ms) >= state.record_time_ms) break;
    auto held = changes.FindHeld(order.event_id);
    if (!held.ok()) return held.status();
    const auto it = std::find_if((*held)->begin(), (*held)->end(),
                                 [item](const HeldFeedback& one) { return one.item == *item; });
    if (it != (*held)->end()) {
      (*held)->erase(it);
      --state.figures.held;
      state.figures.AddUnmatched(order.event_id);
    }
    changes.write.Delete(JoinTable::kHeldOrder, std::string(scan.key()));
    --state.order_count;
  }
  return scan.status();
}

// Removes the first record of the tables, if its events are not known any more and no decision
// about them is to come. True if it did.
absl::StatusOr<bool> DropFirstRecord(JoinChanges& changes) {
  JoinState& state = changes.state;
  if (!state.retained || !state.IsRemoved(state.first_time)) return false;
  if (state.due_time.has_value() && state.due.offset <= state.first_record) return false;
  const std::string key = OffsetKey(state.first_record);
  std::vector<std::string> feedback_keys;
  JoinScan feedback = changes.view().Scan(JoinTable::kFeedback, key);
  for (; feedback.valid() && feedback.key().substr(0, key.size()) == key; feedback.Next()) {
    FeedbackEntry entry;
    if (!entry.Parse(feedback.value())) return BrokenEntry("feedback");
    if (entry.queued != 0) return false;
    feedback_keys.emplace_back(feedback.key());
  }
  if (!feedback.status().ok()) return feedback.status();
  for (std::string& one : feedback_keys) changes.write.Delete(JoinTable::kFeedback, std::move(one));
  changes.write.Delete(JoinTable::kRecords, key);
  changes.write.Delete(JoinTable::kRows, key);

  JoinScan next = changes.view().Scan(JoinTable::kRecords, OffsetKey(state.first_record + 1));
  if (!next.status().ok()) return next.status();
  state.retained = next.valid();
  if (!next.valid()) return true;
  RecordEntry record;
  const std::optional<uint64_t> offset = ParseOffsetKey(next.key());
  if (!offset.has_value() || !record.Parse(next.value())) return BrokenEntry("records");
  state.first_record = *offset;
  state.first_time = record.latest_time();
  return true;
}

absl::Status DropOldRecords(JoinChanges& changes) {
  for (int i = 0; i < kMaxRecordDrops; ++i) {
    const absl::StatusOr<bool> dropped = DropFirstRecord(changes);
    if (!dropped.ok()) return dropped.status();
    if (!*dropped) break;
  }
  return absl::OkStatus();
}

// Notes a new record with events as the last of the tables.
void AddRecord(const RecordEntry& record, const RowsEntry& rows, JoinChanges& changes) {
  JoinState& state = changes.state;
  changes.NewRecord(state.offset) = record;
  changes.write.Put(JoinTable::kRows, OffsetKey(state.offset), rows.Format());
  if (!state.retained) {
    state.retained = true;
    state.first_record = state.offset;
    state.first_time = record.latest_time();
  }
  if (!state.due_time.has_value()) {
    state.due = {.offset = state.offset, .row = 0};
    state.due_time = rows.time(0, record.time_ms);
  }
}

absl::Status ApplyBody(const EventsRecord& events, JoinChanges& changes) {
  if (events.size() == 0) return absl::OkStatus();
  JoinState& state = changes.state;
  RowsEntry rows;
  const v1::LearnRequest& request = events.rows->request();
  rows.ids.assign(request.event_ids().begin(), request.event_ids().end());
  rows.own_times_ms.assign(request.event_times_ms().begin(), request.event_times_ms().end());
  const auto known = changes.FindEvents(rows.ids);
  if (!known.ok()) return known.status();

  RecordEntry record;
  record.time_ms = state.record_time_ms;
  record.row_count = static_cast<uint32_t>(rows.ids.size());
  record.log_bytes = events.rows->wire_bytes().size() + events.note.ByteSizeLong();
  record.has_own_times = events.has_own_times();
  record.max_time_ms = state.record_time_ms;
  if (record.has_own_times) {
    record.max_time_ms = *std::max_element(rows.own_times_ms.begin(), rows.own_times_ms.end());
  }
  absl::flat_hash_set<std::string_view> seen;
  seen.reserve(rows.ids.size());
  std::vector<uint32_t> fresh;
  for (uint32_t row = 0; row < record.row_count; ++row) {
    const std::optional<EventEntry>& other = (*known)[row];
    const bool repeats = !seen.insert(rows.ids[row]).second ||
                         (other.has_value() && !state.IsOlder(other->time, HorizonMs(state.rule)));
    (repeats ? record.duplicates : fresh).push_back(row);
  }
  AddRecord(record, rows, changes);
  state.figures.events += record.row_count;
  state.figures.duplicate_events += record.duplicates.size();
  state.figures.pending += fresh.size();
  state.figures.pending_bytes += record.log_bytes;

  const auto entry_of = [&](uint32_t row) {
    return EventEntry{.place = {.offset = state.offset, .row = row},
                      .time = rows.time(row, record.time_ms)};
  };
  changes.new_events.reserve(fresh.size());
  for (const uint32_t row : fresh) changes.new_events.emplace_back(rows.ids[row], entry_of(row));
  const absl::StatusOr<std::vector<uint32_t>> held_rows = changes.ReadWhatIsHeld(rows.ids);
  if (!held_rows.ok()) return held_rows.status();
  for (const uint32_t row : *held_rows) {
    if (!std::binary_search(fresh.begin(), fresh.end(), row)) continue;
    absl::Status status = TakeHeld(rows.ids[row], entry_of(row), changes);
    if (!status.ok()) return status;
  }
  if (record.has_own_times) state.max_event_ms = std::max(state.max_event_ms, record.max_time_ms);
  return absl::OkStatus();
}

absl::Status ApplyBody(const FeedbackRecord& record, JoinChanges& changes) {
  if (record.request == nullptr) return absl::OkStatus();
  JoinState& state = changes.state;
  std::vector<uint32_t> counted;  // Items.
  std::vector<std::string> ids;
  int64_t max_own_ms = state.max_feedback_ms;
  const auto& items = record.request->items();
  for (int i = 0; i < items.size(); ++i) {
    const v1::FeedbackItem& item = items.Get(i);
    if (!IsGoodFeedback(item)) continue;
    if (item.has_time_ms()) max_own_ms = std::max(max_own_ms, item.time_ms());
    const bool by_id = item.withdraw() && !item.feedback_id().empty();
    if (!by_id && !CountsAsFeedback(state.rule, item.name())) {
      ++state.figures.ignored;
      continue;
    }
    counted.push_back(static_cast<uint32_t>(i));
    ids.push_back(item.event_id());
  }
  const auto events = changes.FindEvents(ids);
  if (!events.ok()) return events.status();
  std::vector<RowPlace> places;
  std::vector<std::string> unknown;
  for (size_t i = 0; i < ids.size(); ++i) {
    if ((*events)[i].has_value()) {
      places.push_back((*events)[i]->place);
    } else {
      unknown.push_back(ids[i]);
    }
  }
  if (absl::Status status = changes.ReadFeedback(places); !status.ok()) return status;
  if (state.figures.held > 0) {
    if (absl::Status status = changes.ReadHeld(unknown); !status.ok()) return status;
  }
  for (size_t i = 0; i < ids.size(); ++i) {
    const v1::FeedbackItem& item = items.Get(static_cast<int>(counted[i]));
    Feedback feedback{.name = item.name(),
                      .feedback_id = item.feedback_id(),
                      .value = item.has_value() ? item.value() : 1.0f,
                      .time_ms = item.has_time_ms() ? item.time_ms() : state.record_time_ms,
                      .withdraws = item.withdraw()};
    const std::optional<EventEntry>& event = (*events)[i];
    absl::Status status = event.has_value()
                              ? AttachFeedback(*event, std::move(feedback), changes)
                              : HoldFeedback(ids[i],
                                             {.feedback = std::move(feedback),
                                              .arrival_ms = state.record_time_ms,
                                              .item = {.offset = state.offset, .row = counted[i]}},
                                             changes);
    if (!status.ok()) return status;
  }
  state.max_feedback_ms = max_own_ms;
  return absl::OkStatus();
}

absl::Status ApplyBody(const LabelsRecord& record, JoinChanges& changes) {
  return ApplyLabels(*record.note, changes);
}

absl::Status ApplyBody(const SettingsRecord& record, JoinChanges& changes) {
  if (record.settings.has_label_rule()) changes.state.rule = record.settings.label_rule();
  return absl::OkStatus();
}

absl::Status ApplyBody(const RestoreRecord& /*record*/, JoinChanges& /*changes*/) {
  return absl::OkStatus();
}

absl::Status ApplyBody(const std::shared_ptr<const BatchRecord>& /*record*/,
                       JoinChanges& /*changes*/) {
  return absl::OkStatus();
}

// How many items of feedback a record brings.
uint64_t FeedbackCount(const Record& record) {
  const auto* const feedback = std::get_if<FeedbackRecord>(&record.body);
  if (feedback == nullptr || feedback->request == nullptr) return 0;
  return static_cast<uint64_t>(feedback->request->items_size());
}

}  // namespace

absl::Status ApplyToJoin(const Record& record, JoinChanges& changes) {
  JoinState& state = changes.state;
  state.record_time_ms = std::max(state.record_time_ms, record.time_ms);
  state.RaiseRemoved();
  absl::Status status = DropOldRecords(changes);
  if (status.ok()) status = DropHeld(kMaxHeldDrops + 2 * FeedbackCount(record), changes);
  if (status.ok()) {
    status =
        std::visit([&changes](const auto& body) { return ApplyBody(body, changes); }, record.body);
  }
  ++state.offset;
  return status;
}

}  // namespace freshet
