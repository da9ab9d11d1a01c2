// The join of a model's events with their feedback: labels that come later.

#ifndef FRESHET_SERVER_JOIN_LABEL_JOIN_H_
#define FRESHET_SERVER_JOIN_LABEL_JOIN_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "freshet/v1/event_service.pb.h"
#include "freshet/v1/label_rule.pb.h"
#include "freshet/v1/log_record.pb.h"
#include "server/join/join_query.h"
#include "server/join/join_state.h"
#include "server/join/join_store.h"
#include "server/join/recent_events.h"
#include "server/record/record.h"

namespace freshet {

// A deterministic function of the records of a model's log, kept on disk: which events are younger
// than the horizon, what feedback they got, and what was decided about their labels. It consults no
// clock: all times are those of records, events and feedback, and `now_ms` of Decide(). After a
// kill it goes on where its table stands, and comes to the same as if it had not been killed.
//
//   auto join = LabelJoin::Open({.dir = folder + "/join", .begin_offset = first, .rule = rule, …});
//   while (more records) (*join)->Apply(record at (*join)->offset());
//   if (auto note = (*join)->Decide(now_ms, 4096); note.ok() && note->has_value()) {
//     // Append the note to the log as a LabelsRecord. It takes effect when Apply() gets it.
//   }
//
// Threads: one writer at a time calls Apply(), Decide(), NextDueTime() and offset(). Everybody may
// call FillFigures(), Find(), List() and Sync() meanwhile.
//
// Errors: UNAVAILABLE if the disk refuses something; the call may be repeated, and the table is
// opened again if need be. DATA_LOSS if the table is damaged: destroy the join and Open() it, which
// makes a new table.
class LabelJoin {
 public:
  struct Options {
    std::string dir;  // Made if it does not exist; the folder that holds it must.
    // Where a new table begins, which should be where the oldest event stands that is not settled.
    uint64_t begin_offset = 0;
    // The rule in force there.
    v1::LabelRule rule = {};
    // Of the last decision below begin_offset. Absent: unknown, unless begin_offset is 0; the
    // first decision that Apply() gets says it then, or TellLabelsNumber(), and until then Decide()
    // must not be used.
    std::optional<uint64_t> labels_number = std::nullopt;
    // The records that the log holds: from log_first, below log_end. A table that stands elsewhere
    // is made anew.
    uint64_t log_first = 0;
    uint64_t log_end = std::numeric_limits<uint64_t>::max();
    size_t cache_bytes = size_t{64} << 20;
    size_t write_buffer_bytes = size_t{32} << 20;
    // Of events that are not in their table yet.
    size_t recent_events_bytes = size_t{32} << 20;
  };

  // Opens the table. If there is none, or it cannot be used since it is damaged, of another version
  // or of a place where the log is not, makes a new one; says the latter in the server's log.
  // UNAVAILABLE if the disk refuses something, or if the table is open elsewhere.
  static absl::StatusOr<std::unique_ptr<LabelJoin>> Open(Options options);

  LabelJoin(const LabelJoin&) = delete;
  LabelJoin& operator=(const LabelJoin&) = delete;

  // All records below are applied.
  uint64_t offset() const { return state_.offset; }

  // The number of the last decision that was applied.
  uint64_t labels_number() const { return state_.labels_number; }

  // Says how many decisions there were below offset(), of a table that began without knowing it.
  // Else does nothing.
  void TellLabelsNumber(uint64_t number);

  // Applies the record at offset(). On an error nothing has changed, and the call may be repeated;
  // but if the disk lost what was applied before, offset() is less afterwards, and the record to
  // apply next is the one there. What is OK survives the end of the process; see Sync().
  absl::Status Apply(const Record& record);

  // The next decision at this time, about at most max_rows >= 1 rows; nothing if none is due.
  // Changes nothing: it is the same until Apply() gets another record. First the rows that do not
  // wait, in the order of the feedback that settled or changed them; then those whose wait is over,
  // in the order of the log.
  absl::StatusOr<std::optional<v1::LabelsNote>> Decide(int64_t now_ms, size_t max_rows) const;

  // The time from which Decide() may find something, in milliseconds since 1970: 0 if at once.
  // Nothing if no event waits. Feedback and events can make it earlier.
  std::optional<int64_t> NextDueTime() const;

  // See v1.LabelFigures.pending_bytes.
  uint64_t pending_bytes() const;

  // Sets all but what the join does not know: served_*, refused_count, log_kept_from, join_fault.
  void FillFigures(v1::LabelFigures& figures) const;

  // The event, without features and scores. NOT_FOUND if none younger than the horizon has the id.
  absl::StatusOr<v1::Event> Find(std::string_view event_id) const;

  using Page = EventPage;
  // Events in a state, oldest first; all if it is unspecified. Looks through a bounded number of
  // events, so a page may be empty although more follow. INVALID_ARGUMENT for a malformed token.
  absl::StatusOr<Page> List(v1::EventState state, int page_size, std::string_view page_token) const;

  // What was applied before the call survives a loss of power from now on.
  absl::Status Sync();

 private:
  LabelJoin(std::unique_ptr<JoinStore> store, JoinState state, size_t recent_events_bytes);

  // The table as it is, or a new one if there is none. DATA_LOSS: it cannot be used.
  static absl::StatusOr<std::unique_ptr<LabelJoin>> OpenTable(const Options& options);
  // Gathers the events that are not in their table, as the tables and their state say.
  absl::Status ReadRecent(const JoinView& view, const JoinState& state);
  // Puts the recent events into their table.
  absl::Status StoreRecent();
  // After a write failed: opens the table again. True if the record that failed then is in it.
  absl::StatusOr<bool> Recover();
  void Publish() ABSL_LOCKS_EXCLUDED(mu_);

  const std::unique_ptr<JoinStore> store_;
  const size_t recent_events_bytes_;
  bool must_recover_ = false;  // Recover() has not come to its end. Owned by the writer.
  JoinState state_;            // Owned by the writer.
  RecentEvents recent_;        // Those of the records from state_.indexed_below on.

  mutable absl::Mutex mu_;
  JoinState published_ ABSL_GUARDED_BY(mu_);
};

}  // namespace freshet

#endif  // FRESHET_SERVER_JOIN_LABEL_JOIN_H_
