// Writes the records of one model to its log, in order, with one sync for all that came meanwhile.

#ifndef FRESHET_SERVER_LOG_LOG_WRITER_H_
#define FRESHET_SERVER_LOG_LOG_WRITER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/file/file_system.h"
#include "server/log/log.h"
#include "server/record/encoded_record.h"
#include "server/stats/latency_histogram.h"
#include "server/thread/worker_pool.h"

namespace freshet {

// A strand on a pool of threads that may block on the disk; an idle log has no thread.
//
// It keeps ahead of the learner, but not further than one group of records: a record is answered
// when it is both logged and learned, so that more writes and syncs meanwhile would only take
// processors from the learner. See OnApplied().
//
// When the disk fails, the records that are not yet logged are kept in memory and written again,
// after a pause, until it works or the writer is closed.
//
// Thread-safe. Callbacks run on the strand, without a lock held, and must not block.
class LogWriter : public std::enable_shared_from_this<LogWriter> {
 public:
  struct Options {
    bool sync = true;  // See SetSync().
    absl::Duration retry_interval = absl::Milliseconds(500);
    // Runs the strand while batches are not synced, so that it does not wait for threads which
    // wait for the disk. Must outlive the writer. Null: `pool` does.
    WorkerPool* unsynced_pool = nullptr;
  };
  // All records below `offset` are logged.
  using LoggedCallback = std::function<void(uint64_t offset)>;
  // The log cannot be written, and why; or OK: it can again.
  using FaultCallback = std::function<void(absl::Status fault)>;

  // `log` stands at the model's offset. `pool` must outlive the writer. The log lives as long as
  // the writer. REQUIRES: owned by a shared_ptr.
  LogWriter(std::unique_ptr<Log> log, WorkerPool& pool, Options options);

  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // Sets whom to tell. Call once, before the first Append().
  void SetCallbacks(LoggedCallback logged, FaultCallback fault);

  // Puts a record in line.
  void Append(EncodedRecord record);

  // All records below `offset` are learned. Where that is less than what is logged, the writer
  // waits for the rest, and then writes all that came meanwhile. Call it as often as that changes.
  void OnApplied(uint64_t offset);

  // Whether a batch that is appended from now on counts as logged only once it is on disk. Other
  // records, which are rare, always do.
  void SetSync(bool sync);

  // Gives up what cannot be written: from now on a failure ends the strand, and the records that
  // are left are dropped. Records are still written as long as that works.
  void StopRetrying();

  // Writes nothing from now on until GoOn(); what is put in line waits. Calls `held`, once, when
  // nothing is being written any more: at once, or on the strand.
  void Hold(std::function<void()> held);
  void GoOn();
  // Two ways to answer those who wait meanwhile. REQUIRES: Hold() has called `held`.
  // Tells the fault, as after a failure of the disk; GoOn() ends it.
  void Fail(absl::Status fault);
  // Tells the fault, and drops all that is in line: there will be no GoOn().
  void Abandon(absl::Status fault);

  // StopRetrying(), and drops the records from `end` on, but for those that are just being written:
  // for the end of a server, which answers nobody any more. REQUIRES: nothing is appended from now
  // on.
  void Stop(uint64_t end);

  // See Log. May block on the disk; other threads append meanwhile.
  absl::Status DropBefore(uint64_t offset, const Retention& retention, absl::Time now) {
    return log_->DropBefore(offset, retention, now);
  }
  // See Log::NewReader(). Blocks on the disk.
  absl::StatusOr<std::unique_ptr<LogReader>> NewReader(uint64_t offset) const {
    return log_->NewReader(offset);
  }
  // Reads from so far before the end that about `bytes` come, or from the first record on. Errors
  // as Log::NewReader(); blocks on the disk.
  absl::StatusOr<std::unique_ptr<LogReader>> ReadTail(uint64_t bytes) const;
  uint64_t first_offset() const { return log_->first_offset(); }
  uint64_t size_bytes() const { return log_->size_bytes(); }
  uint64_t safe_offset() const { return log_->safe_offset(); }

  // All records below this are logged.
  uint64_t logged_offset() const ABSL_LOCKS_EXCLUDED(mu_);
  // Of all records that were put in line so far.
  uint64_t appended_bytes() const { return appended_bytes_; }
  // Of writing and syncing what had come together, since the writer was created.
  LatencyHistogram::Counts sync_latency() const { return sync_latency_.Read(); }

 private:
  struct Entry {
    EncodedRecord record;
    bool sync = true;  // Counts as logged once it is on disk.
  };

  // What the strand runs on, as things are now.
  WorkerPool& strand_pool() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return sync_ || options_.unsynced_pool == nullptr ? pool_ : *options_.unsynced_pool;
  }
  // Whether there is something to write that is not better left to wait for the learner.
  bool has_work() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return !entries_.empty() && applied_offset_ >= logged_offset_;
  }
  void ScheduleStrand() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void RunStrand();
  // Ends the strand, and returns what is to be called then; null: nothing.
  std::function<void()> EndStrand() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The entries that are written next.
  std::vector<const Entry*> NextGroup() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Takes out the entries that were written, and returns the new logged_offset().
  uint64_t RemoveWritten();
  // After a failure: runs the strand again after a pause, unless that was stopped.
  void RetryLater();
  // Appends the entries, but for those that are in the log already, and syncs where one of them
  // asks for it.
  absl::Status WriteOut(const std::vector<const Entry*>& entries);
  // After a failure: finds out what is on disk and prepares to write the rest again.
  absl::Status Recover();

  const std::unique_ptr<Log> log_;
  WorkerPool& pool_;
  const Options options_;

  // Set once, then read by the strand only.
  LoggedCallback logged_callback_;
  FaultCallback fault_callback_;

  std::atomic<uint64_t> appended_bytes_{0};
  LatencyHistogram sync_latency_;

  // Owned by the strand, and by who holds it: the last attempt failed.
  bool faulty_ = false;

  mutable absl::Mutex mu_;
  std::deque<std::unique_ptr<Entry>> entries_ ABSL_GUARDED_BY(mu_);  // Not yet logged.
  uint64_t logged_offset_ ABSL_GUARDED_BY(mu_);                      // Of the first entry.
  uint64_t applied_offset_ ABSL_GUARDED_BY(mu_);
  bool sync_ ABSL_GUARDED_BY(mu_);
  bool strand_running_ ABSL_GUARDED_BY(mu_) = false;
  bool stop_retrying_ ABSL_GUARDED_BY(mu_) = false;
  bool held_ ABSL_GUARDED_BY(mu_) = false;
  std::function<void()> when_held_ ABSL_GUARDED_BY(mu_);
  size_t writing_count_ ABSL_GUARDED_BY(mu_) = 0;  // Of entries_, the first: being written.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_LOG_LOG_WRITER_H_
