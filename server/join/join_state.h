// What the join keeps beside its tables: one value, written with every record.

#ifndef FRESHET_SERVER_JOIN_JOIN_STATE_H_
#define FRESHET_SERVER_JOIN_JOIN_STATE_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "freshet/v1/label_rule.pb.h"
#include "server/join/join_entries.h"
#include "server/join/join_figures.h"

namespace freshet {

struct JoinState {
  // The layout of this value and of all tables. Tables of another version are made anew.
  static constexpr uint32_t kVersion = 1;
  static constexpr int64_t kNoTime = std::numeric_limits<int64_t>::min();

  uint64_t offset = 0;         // All records below are applied.
  uint64_t indexed_below = 0;  // The events of all records below are in table `events`.
  uint64_t labels_number = 0;
  // The table began at an offset above 0, without word of the number then; the first decision that
  // comes gives it.
  bool takes_any_number = false;
  v1::LabelRule rule;

  int64_t record_time_ms = kNoTime;   // Of the last record.
  int64_t max_event_ms = kNoTime;     // The greatest own time of an event.
  int64_t max_feedback_ms = kNoTime;  // The greatest own time of feedback.
  // Events of records before the first time, and events with own times before the second, are not
  // known any more. They only grow.
  int64_t removed_record_ms = kNoTime;
  int64_t removed_stream_ms = kNoTime;

  // The first row that waits and was not decided early, and when it happened; none waits if the
  // time is absent.
  RowPlace due;
  std::optional<EventTime> due_time;
  uint64_t settled_below = 0;

  // The first record in the tables, if `retained` is set.
  bool retained = false;
  uint64_t first_record = 0;
  EventTime first_time;  // The latest of its events.

  // Decisions that do not wait: numbers in table `queue`.
  uint64_t queue_begin = 1;  // None below is there.
  uint64_t queue_end = 1;    // The next.
  uint64_t queue_count = 0;

  // Table `held_order`.
  uint64_t order_count = 0;
  RowPlace order_begin;
  int64_t order_time_ms = 0;  // No entry came before.

  JoinFigures figures;

  // The time of the events: no event with its own time before it is expected. kNoTime: there is
  // none yet.
  int64_t stream_ms() const {
    return max_event_ms < max_feedback_ms ? max_event_ms : max_feedback_ms;
  }

  // Whether an event is older than `span_ms`, by records or by the stream.
  bool IsOlder(const EventTime& time, int64_t span_ms) const;
  // Whether an event is not known any more.
  bool IsRemoved(const EventTime& time) const {
    return time.record_ms < removed_record_ms ||
           (time.own_ms.has_value() && *time.own_ms < removed_stream_ms);
  }
  // Notes that events go out of memory, now that the times are those of a new record.
  void RaiseRemoved();

  std::string Format() const;
  // False if the bytes are not of this version or do not fit.
  bool Parse(std::string_view bytes);
};

}  // namespace freshet

#endif  // FRESHET_SERVER_JOIN_JOIN_STATE_H_
