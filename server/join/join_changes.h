// What one record changes in the join, before it is written.

#ifndef FRESHET_SERVER_JOIN_JOIN_CHANGES_H_
#define FRESHET_SERVER_JOIN_JOIN_CHANGES_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/join/join_entries.h"
#include "server/join/join_state.h"
#include "server/join/join_store.h"
#include "server/join/recent_events.h"

namespace freshet {

// The tables with the changes on top. Entries that were looked at are kept, and may be changed in
// place after a call of Touch...(). Pointers stay valid until the end. Not thread-safe.
//
// Errors are those of the view. After one the changes are to be thrown away.
class JoinChanges {
 public:
  // The tables as they are now. `recent` has the events that are not in them yet, and outlives this
  // object.
  JoinChanges(JoinView view, const RecentEvents& recent, JoinState before)
      : state(std::move(before)),
        view_(std::move(view)),
        recent_(recent),
        queue_end_before_(state.queue_end) {}

  JoinState state;
  JoinWrite write;  // Changes of tables without a function here.
  // Events that come with the record, by id.
  std::vector<std::pair<std::string, EventEntry>> new_events;

  const JoinView& view() const { return view_; }

  // The events of these ids that are known, without the new ones; nothing for others.
  absl::StatusOr<std::vector<std::optional<EventEntry>>> FindEvents(
      const std::vector<std::string>& ids) const;

  // Null if the tables hold no such record.
  absl::StatusOr<RecordEntry*> FindRecord(uint64_t offset);
  RecordEntry& NewRecord(uint64_t offset);
  void TouchRecord(uint64_t offset) { records_[offset].touched = true; }

  // Null if there is none.
  absl::StatusOr<FeedbackEntry*> FindFeedback(RowPlace place);
  // REQUIRES: there is none.
  FeedbackEntry& NewFeedback(RowPlace place);
  void TouchFeedback(RowPlace place) { feedback_[place].touched = true; }
  // Reads entries ahead, all at once.
  absl::Status ReadFeedback(const std::vector<RowPlace>& places);
  // The same for the rows [first, last] of a record, of which few have any.
  absl::Status ReadFeedback(uint64_t offset, uint32_t first, uint32_t last);

  // What is held for an event; to be changed in place.
  absl::StatusOr<std::vector<HeldFeedback>*> FindHeld(const std::string& event_id);
  absl::Status ReadHeld(const std::vector<std::string>& event_ids);
  // Which of these ids, by number, rising, something is held for. Few of many, as a rule.
  absl::StatusOr<std::vector<uint32_t>> ReadWhatIsHeld(const std::vector<std::string>& event_ids);

  // Puts an event in line for a decision that does not wait, or takes it out.
  void Enqueue(RowPlace place, FeedbackEntry& entry);
  void Dequeue(RowPlace place, FeedbackEntry& entry);
  // After calls of Dequeue(): notes where the line begins, so that nobody has to look for it among
  // what was deleted.
  absl::Status FindQueueBegin();

  // All changes, and the state. Called once, at the end.
  const JoinWrite& Finish();

 private:
  template <typename Entry>
  struct Kept {
    std::optional<Entry> entry;
    bool touched = false;
    bool stored = false;  // Only of held feedback: the table has an entry.
  };

  // Rows [first, last] of a record.
  struct Rows {
    uint64_t offset = 0;
    uint32_t first = 1;
    uint32_t last = 0;

    bool Holds(RowPlace place) const {
      return place.offset == offset && first <= place.row && place.row <= last;
    }
  };

  JoinView view_;
  const RecentEvents& recent_;
  std::map<uint64_t, Kept<RecordEntry>> records_;
  std::map<RowPlace, Kept<FeedbackEntry>> feedback_;
  Rows whole_;  // Of these rows, all that the tables have is in feedback_.
  std::map<std::string, Kept<std::vector<HeldFeedback>>> held_;
  std::set<std::string> dequeued_;  // Keys.
  const uint64_t queue_end_before_;
};

// Adds the events of the records from `begin` on, which the tables hold, to `recent`.
absl::Status ReadRecentEvents(const JoinView& view, uint64_t begin, RecentEvents& recent);

// Parts of the tables. Errors are those of the view; DATA_LOSS also if the bytes do not fit.
absl::StatusOr<RowsEntry> ReadRows(const JoinView& view, uint64_t offset);
absl::StatusOr<EventTime> TimeOfRow(const JoinView& view, const RecordEntry& record,
                                    RowPlace place);
// Nothing in new tables.
absl::StatusOr<std::optional<JoinState>> ReadState(const JoinView& view);

// DATA_LOSS for an entry whose bytes do not fit.
absl::Status BrokenEntry(std::string_view table);

// Where table `meta` holds the state.
inline constexpr const char* kStateKey = "state";

}  // namespace freshet

#endif  // FRESHET_SERVER_JOIN_JOIN_CHANGES_H_
