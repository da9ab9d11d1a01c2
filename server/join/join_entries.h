// What the tables of the join hold: keys and values, and their bytes (see FORMAT.md).
//
// Parse functions return false if the bytes do not fit; the value is then to be thrown away.

#ifndef FRESHET_SERVER_JOIN_JOIN_ENTRIES_H_
#define FRESHET_SERVER_JOIN_JOIN_ENTRIES_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/join/label_aggregate.h"

namespace freshet {

// A row of a record of the log, or an item of a record with feedback.
struct RowPlace {
  uint64_t offset = 0;
  uint32_t row = 0;

  friend bool operator==(const RowPlace&, const RowPlace&) = default;
  friend bool operator<(const RowPlace& a, const RowPlace& b) {
    return a.offset != b.offset ? a.offset < b.offset : a.row < b.row;
  }
};

// Keys sort like what they name.
std::string OffsetKey(uint64_t offset);
std::string PlaceKey(RowPlace place);
std::string SequenceKey(uint64_t sequence);
std::optional<uint64_t> ParseOffsetKey(std::string_view key);
std::optional<RowPlace> ParsePlaceKey(std::string_view key);

// When an event happened, by its record and by itself.
struct EventTime {
  int64_t record_ms = 0;
  std::optional<int64_t> own_ms;

  int64_t ms() const { return own_ms.value_or(record_ms); }
};

// Table `events`, by id: where the event stands.
struct EventEntry {
  RowPlace place;
  EventTime time;

  std::string Format() const;
  bool Parse(std::string_view bytes);
};

// Rows of a record that were decided together when their wait was over.
struct DecidedSpan {
  uint32_t end_row = 0;  // They begin where the span before ends.
  float label = 0;       // Of the rows without an entry in table `feedback`.
  int64_t time_ms = 0;
  uint64_t offset = 0;  // Of the decision.
};

// Table `records`, by offset: a record with events.
struct RecordEntry {
  int64_t time_ms = 0;
  uint32_t row_count = 0;
  uint64_t log_bytes = 0;  // Its size in the log.
  bool has_own_times = false;
  int64_t max_time_ms = 0;  // Of its events.
  bool counted = true;      // Its bytes are among those that wait.
  // Rows whose id belonged to another event, in rising order.
  std::vector<uint32_t> duplicates;
  // A bit for each row that was decided before its wait was over; empty: none was.
  std::string early;
  std::vector<DecidedSpan> spans;

  bool is_duplicate(uint32_t row) const;
  bool is_early(uint32_t row) const {
    return !early.empty() && ((static_cast<uint8_t>(early[row / 8]) >> (row % 8)) & 1) != 0;
  }
  void set_early(uint32_t row);
  // Of the last of its events.
  EventTime latest_time() const {
    EventTime time{.record_ms = time_ms, .own_ms = {}};
    if (has_own_times) time.own_ms = max_time_ms;
    return time;
  }
  bool all_early() const;
  // The span with this row; null if none has it.
  const DecidedSpan* FindSpan(uint32_t row) const;

  std::string Format() const;
  bool Parse(std::string_view bytes);
};

// Table `rows`, by offset: the ids of a record's events, and their own times.
struct RowsEntry {
  std::vector<int64_t> own_times_ms;  // Empty: they have none.
  std::vector<std::string> ids;

  EventTime time(uint32_t row, int64_t record_ms) const {
    EventTime time{.record_ms = record_ms, .own_ms = {}};
    if (row < own_times_ms.size()) time.own_ms = own_times_ms[row];
    return time;
  }

  std::string Format() const;
  bool Parse(std::string_view bytes);
};

// Table `feedback`, by place: an event that got feedback, or was decided otherwise than the span of
// its record says.
struct FeedbackEntry {
  EventTime time;
  bool decided = false;
  bool matched = false;
  bool late = false;
  bool corrected = false;
  float label = 0;  // What it was learned as last; not a number: it was not learned.
  float weight = 1;
  int64_t decide_time_ms = 0;
  uint64_t decide_offset = 0;
  uint64_t queued = 0;  // Its number in table `queue`; 0: it is not there.
  std::vector<Feedback> items;

  std::string Format() const;
  bool Parse(std::string_view bytes);
};

// Feedback that waits for its event.
struct HeldFeedback {
  Feedback feedback;
  int64_t arrival_ms = 0;  // The time of its record.
  RowPlace item;
};

// Table `held`, by the event's id: what waits for it, in the order of the log.
std::string FormatHeld(const std::vector<HeldFeedback>& held);
bool ParseHeld(std::string_view bytes, std::vector<HeldFeedback>& held);

// Table `held_order`, by item: when feedback that was held came, and for which event.
struct HeldOrderEntry {
  int64_t arrival_ms = 0;
  std::string event_id;

  std::string Format() const;
  bool Parse(std::string_view bytes);
};

}  // namespace freshet

#endif  // FRESHET_SERVER_JOIN_JOIN_ENTRIES_H_
