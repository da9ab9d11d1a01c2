#include "server/join/join_query.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>

#include "core/base/str_cat.h"
#include "server/join/join_changes.h"
#include "server/join/join_entries.h"
#include "server/join/join_state.h"

namespace freshet {
namespace {

constexpr int kDefaultPageSize = 50;
constexpr int kMaxPageSize = 1000;
constexpr size_t kMaxShownFeedback = 64;
// How many events one call of ListEvents() looks through; a record that was begun is finished.
constexpr uint64_t kMaxLookedThrough = 20'000;

absl::StatusOr<JoinState> ReadWrittenState(const JoinView& view) {
  absl::StatusOr<std::optional<JoinState>> state = ReadState(view);
  if (!state.ok()) return state.status();
  if (!state->has_value()) return BrokenEntry("default");
  return **std::move(state);
}

void AddShownFeedback(const std::vector<Feedback>& items, v1::Event& event) {
  std::vector<const Feedback*> shown;
  for (const Feedback& item : items) {
    if (!item.withdraws) shown.push_back(&item);
  }
  std::stable_sort(shown.begin(), shown.end(),
                   [](const Feedback* a, const Feedback* b) { return a->time_ms < b->time_ms; });
  const size_t first = shown.size() - std::min(shown.size(), kMaxShownFeedback);
  for (size_t i = first; i < shown.size(); ++i) {
    v1::EventFeedback& one = *event.add_feedback();
    one.set_name(shown[i]->name);
    one.set_value(shown[i]->value);
    one.set_time_ms(shown[i]->time_ms);
    one.set_withdrawn(shown[i]->withdrawn);
  }
}

v1::EventState StateOfDecided(const FeedbackEntry& entry) {
  if (entry.corrected) return v1::EVENT_STATE_CORRECTED;
  if (entry.late) return v1::EVENT_STATE_LATE;
  if (std::isnan(entry.label)) return v1::EVENT_STATE_DROPPED;
  return entry.matched ? v1::EVENT_STATE_MATCHED : v1::EVENT_STATE_DEFAULTED;
}

// What became of an event. `entry` has what table `feedback` says, if it says anything.
v1::Event EventOf(const JoinState& state, const RecordEntry& record, RowPlace place,
                  const EventTime& time, std::string_view id, std::optional<FeedbackEntry> entry) {
  v1::Event event;
  event.set_event_id(std::string(id));
  event.set_time_ms(time.ms());
  event.set_offset(place.offset);
  event.set_row(place.row);
  event.set_state(v1::EVENT_STATE_PENDING);
  if (!entry.has_value()) {
    const DecidedSpan* const span = place < state.due ? record.FindSpan(place.row) : nullptr;
    if (span == nullptr) return event;
    entry.emplace();
    entry->decided = true;
    entry->label = span->label;
    entry->decide_time_ms = span->time_ms;
    entry->decide_offset = span->offset;
  }
  AddShownFeedback(entry->items, event);
  if (!entry->decided) return event;
  event.set_state(StateOfDecided(*entry));
  event.set_decide_time_ms(entry->decide_time_ms);
  event.set_decide_offset(entry->decide_offset);
  if (std::isnan(entry->label)) return event;
  event.set_label(entry->label);
  event.set_weight(entry->weight);
  return event;
}

std::string TokenOf(RowPlace place) { return StrCat(place.offset, ".", place.row); }

absl::StatusOr<RowPlace> PlaceOfToken(std::string_view token) {
  RowPlace place;
  if (token.empty()) return place;
  const char* const end = token.data() + token.size();
  const auto [dot, offset_error] = std::from_chars(token.data(), end, place.offset);
  if (offset_error == std::errc() && dot != end && *dot == '.') {
    const auto [rest, row_error] = std::from_chars(dot + 1, end, place.row);
    if (row_error == std::errc() && rest == end) return place;
  }
  return absl::InvalidArgumentError(
      "the page token is malformed; use the one of the last page, or none for the first");
}

// Makes one page.
class EventLister {
 public:
  EventLister(const JoinView& view, JoinState join, v1::EventState state, size_t page_size)
      : view_(view), join_(std::move(join)), state_(state), page_size_(page_size) {}

  absl::StatusOr<EventPage> List(RowPlace begin) {
    if (state_ == v1::EVENT_STATE_PENDING) begin = std::max(begin, join_.due);
    JoinScan records = view_.Scan(JoinTable::kRecords, OffsetKey(begin.offset));
    JoinScan feedback = view_.Scan(JoinTable::kFeedback, PlaceKey(begin));
    for (; records.valid(); records.Next()) {
      const std::optional<uint64_t> offset = ParseOffsetKey(records.key());
      RecordEntry record;
      if (!offset.has_value() || !record.Parse(records.value())) return BrokenEntry("records");
      const RowPlace place{.offset = *offset, .row = *offset == begin.offset ? begin.row : 0};
      if (looked_through_ >= kMaxLookedThrough || page_.events.size() >= page_size_) {
        page_.next_page_token = TokenOf(place);
        break;
      }
      if (absl::Status status = AddRows(record, place, feedback); !status.ok()) return status;
      if (!page_.next_page_token.empty()) break;
    }
    if (!records.status().ok()) return records.status();
    if (!feedback.status().ok()) return feedback.status();
    return std::move(page_);
  }

 private:
  absl::Status AddRows(const RecordEntry& record, RowPlace place, JoinScan& feedback) {
    const absl::StatusOr<RowsEntry> rows = ReadRows(view_, place.offset);
    if (!rows.ok()) return rows.status();
    if (rows->ids.size() != record.row_count) return BrokenEntry("rows");
    for (; place.row < record.row_count; ++place.row, ++looked_through_) {
      if (page_.events.size() >= page_size_) {
        page_.next_page_token = TokenOf(place);
        return absl::OkStatus();
      }
      std::optional<FeedbackEntry> entry;
      if (auto status = TakeEntry(place, feedback, entry); !status.ok()) return status;
      const EventTime time = rows->time(place.row, record.time_ms);
      if (record.is_duplicate(place.row) || join_.IsRemoved(time) ||
          join_.IsOlder(time, HorizonMs(join_.rule))) {
        continue;
      }
      v1::Event event = EventOf(join_, record, place, time, rows->ids[place.row], std::move(entry));
      if (state_ == v1::EVENT_STATE_UNSPECIFIED || event.state() == state_) {
        page_.events.push_back(std::move(event));
      }
    }
    return absl::OkStatus();
  }

  // The entry of a row in table `feedback`. Rows come in order.
  static absl::Status TakeEntry(RowPlace place, JoinScan& feedback,
                                std::optional<FeedbackEntry>& entry) {
    for (; feedback.valid(); feedback.Next()) {
      const std::optional<RowPlace> found = ParsePlaceKey(feedback.key());
      if (!found.has_value()) return BrokenEntry("feedback");
      if (*found < place) continue;
      if (place < *found) break;
      return entry.emplace().Parse(feedback.value()) ? absl::OkStatus() : BrokenEntry("feedback");
    }
    return absl::OkStatus();
  }

  const JoinView& view_;
  const JoinState join_;
  const v1::EventState state_;
  const size_t page_size_;
  EventPage page_;
  uint64_t looked_through_ = 0;
};

}  // namespace

absl::StatusOr<v1::Event> FindEvent(const JoinView& view, std::string_view event_id,
                                    const std::optional<EventEntry>& recent) {
  const absl::StatusOr<JoinState> state = ReadWrittenState(view);
  if (!state.ok()) return state.status();
  std::optional<EventEntry> known = recent;
  if (!known.has_value()) {
    auto bytes = view.Get(JoinTable::kEvents, event_id);
    if (!bytes.ok()) return bytes.status();
    if (bytes->has_value() && !known.emplace().Parse(**bytes)) return BrokenEntry("events");
  }
  if (!known.has_value() || state->IsRemoved(known->time) ||
      state->IsOlder(known->time, HorizonMs(state->rule))) {
    return absl::NotFoundError(
        StrCat("event ", event_id, " not found; events are known until their horizon has passed"));
  }
  const EventEntry& found = *known;
  auto record_bytes = view.Get(JoinTable::kRecords, OffsetKey(found.place.offset));
  if (!record_bytes.ok()) return record_bytes.status();
  RecordEntry record;
  if (!record_bytes->has_value() || !record.Parse(**record_bytes)) return BrokenEntry("records");
  auto entry_bytes = view.Get(JoinTable::kFeedback, PlaceKey(found.place));
  if (!entry_bytes.ok()) return entry_bytes.status();
  std::optional<FeedbackEntry> entry;
  if (entry_bytes->has_value() && !entry.emplace().Parse(**entry_bytes)) {
    return BrokenEntry("feedback");
  }
  return EventOf(*state, record, found.place, found.time, event_id, std::move(entry));
}

absl::StatusOr<EventPage> ListEvents(const JoinView& view, v1::EventState state, int page_size,
                                     std::string_view page_token) {
  absl::StatusOr<JoinState> join = ReadWrittenState(view);
  if (!join.ok()) return join.status();
  const absl::StatusOr<RowPlace> begin = PlaceOfToken(page_token);
  if (!begin.ok()) return begin.status();
  const int size = page_size <= 0 ? kDefaultPageSize : std::min(page_size, kMaxPageSize);
  return EventLister(view, *std::move(join), state, static_cast<size_t>(size)).List(*begin);
}

}  // namespace freshet
