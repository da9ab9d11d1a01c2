// Something that follows the champion through the log, at its own pace.

#ifndef FRESHET_SERVER_MODEL_LOG_FOLLOWER_H_
#define FRESHET_SERVER_MODEL_LOG_FOLLOWER_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/loss/loss_kind.h"
#include "server/log/log_reader.h"
#include "server/model/strand.h"
#include "server/record/record.h"
#include "server/thread/worker_pool.h"
#include "server/view/view.h"

namespace freshet {

// The strand of a follower. It applies the records that the champion has applied, never one that
// the champion has not, and decides about no acknowledgement: whoever pushes does not notice how
// far it is.
//
// Records wait for the strand in a window of bounded memory. The champion feeds the window while
// there is room in it. A record that found no room, and every restore, is read from the log later
// on, by a thread that may block on the disk, until the window has come up to the champion. So a
// follower that keeps up never reads the log, and one that is behind takes no more memory.
//
// If the log, or what a record refers to, cannot be read, or the record cannot be applied, the
// follower stays where it is, says why in the log of the server, and tries again after a pause, for
// ever.
//
// Thread-safe, but for the methods that derived classes override.
class LogFollower : public Strand {
 public:
  // What a follower needs of its model. The functions live as long as the follower; they must not
  // keep the model alive.
  struct Options {
    std::string name;  // For the server's log, such as `models/{model}/variants/{variant}`.
    LossKind loss = LossKind::kLogistic;  // For which records are decoded.
    // Reads the model's log from an offset on; blocks on the disk. Errors as Log::NewReader().
    std::function<absl::StatusOr<std::unique_ptr<LogReader>>(uint64_t offset)> open_log;
    // Calls `logged` once the records below `offset` are in the log, or with the log's fault.
    std::function<void(uint64_t offset, std::function<void(absl::Status)> logged)> when_logged;
    uint64_t max_window_bytes = uint64_t{16} << 20;
    absl::Duration retry_interval = absl::Milliseconds(500);
  };

  // The champion has applied the record at `offset`. Called for each record, in order, by the
  // champion's strand. Does not block.
  void Feed(uint64_t offset, const Record& record);

  // Applies nothing more. Tasks still run, and without delay.
  void Stop();

  // Why the follower cannot go on; OK if it can.
  absl::Status fault() const;

 protected:
  // A record that waits for the strand.
  struct Entry {
    std::shared_ptr<const void> payload;  // What the record refers to; null: the record owns it.
    Record record;
    std::unique_ptr<View> restored;  // What a restore puts the view back to.
    uint64_t memory_bytes = 0;
  };

  // Has the records below `offset`, and no record that the champion does not have, which stands at
  // `champion_offset`. The strand runs on `pool`, and what blocks on the disk on `io`; both outlive
  // the follower.
  LogFollower(uint64_t offset, uint64_t champion_offset, WorkerPool& pool, WorkerPool& io,
              Options options);

  // Whether the record at `offset`, which is the next, may be applied now, on the strand. If not,
  // Wake() is called once it may.
  virtual bool MayApply(uint64_t /*offset*/) { return true; }
  // Applies the next record, on the strand. After an error the same entry is given again later on.
  virtual absl::Status ApplyEntry(Entry& entry) = 0;
  // Fetches what a record that was read from the log refers to, on a thread that may block on the
  // disk; one call at a time.
  virtual absl::Status CompleteEntry(Entry& entry) = 0;
  // Where the follower stands, which may be less than before if the last ApplyEntry() failed: it
  // lost what it had applied, and these records come again.
  virtual uint64_t NextOffset() const { return UINT64_MAX; }
  // Whatever else there is to do between two records, on the strand. True if something was done.
  virtual bool DoOtherWork() = 0;

  // Where the strand is.
  struct Position {
    uint64_t applied_offset = 0;  // It has the records below.
    uint64_t window_end = 0;      // And will have these from memory.
    bool is_stopped = false;
  };
  Position position() const;

  const Options& options() const { return options_; }

 private:
  bool Step() override;
  void Push(Entry entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool has_room() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return window_bytes_ < options_.max_window_bytes;
  }
  // Begins to read the log if the window lacks records that the champion has.
  void FetchIfBehind() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void PostFetch();
  // On `io`: fills the window from the log. One at a time.
  void Fetch();
  // The record at this offset; none while it is not in the log yet.
  absl::StatusOr<std::optional<Entry>> Read(uint64_t offset);
  absl::StatusOr<std::optional<LogRecord>> ReadFromLog(uint64_t offset);
  // Goes on with the fetch after a pause.
  void RetryFetch(absl::Status fault);
  // Puts an entry back that could not be applied, to try again after a pause.
  void RetryEntry(Entry entry, absl::Status fault);
  // Empties the window, to read the records from `offset` on again.
  void GoBackTo(uint64_t offset) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Notes why the follower cannot go on, and says so once. False if it was stopped.
  bool NoteFault(absl::Status fault) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Options options_;
  WorkerPool& io_;

  std::unique_ptr<LogReader> reader_;  // Owned by Fetch(). Null while the window is fed.

  mutable absl::Mutex mu_;
  // Records in order without gaps; the strand takes the first.
  std::deque<Entry> window_ ABSL_GUARDED_BY(mu_);
  uint64_t window_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t window_end_ ABSL_GUARDED_BY(mu_);       // The record that comes next into the window.
  uint64_t applied_offset_ ABSL_GUARDED_BY(mu_);   // The records that the strand has applied.
  uint64_t champion_offset_ ABSL_GUARDED_BY(mu_);  // Never less than window_end_.
  bool fetching_ ABSL_GUARDED_BY(mu_) = false;     // A fetch is under way, or waits to go on.
  bool waiting_ ABSL_GUARDED_BY(mu_) = false;      // For the pause before an entry is tried again.
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status fault_ ABSL_GUARDED_BY(mu_);
};

}  // namespace freshet

#endif  // FRESHET_SERVER_MODEL_LOG_FOLLOWER_H_
