// Writes the records of one model to its log, in order, with one sync for all records that came
// together (group commit).

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

// Runs as a strand on a pool of threads that may block on the disk, so an idle log takes no thread.
//
// The writer stays ahead of the learner by one group of records at most. A record is answered once
// it is both logged and learned, so writing more in the meantime would only take processor time
// from the learner. See OnApplied().
//
// When the disk fails, the writer keeps the records that are not logged in memory and writes them
// again after a pause, until that works or retrying is stopped.
//
// Thread-safe. Callbacks run on the strand, without a lock held, and must not block.
class LogWriter : public std::enable_shared_from_this<LogWriter> {
 public:
  struct Options {
    bool sync = true;  // See SetSync().
    absl::Duration retry_interval = absl::Milliseconds(500);
    // Runs the strand while batches are not synced, so that it does not have to wait for threads
    // that are blocked on the disk. Must outlive the writer. If null, `pool` runs it.
    WorkerPool* unsynced_pool = nullptr;
  };
  // All records below `offset` are logged.
  using LoggedCallback = std::function<void(uint64_t offset)>;
  // Why the log cannot be written, or OK once it can be written again.
  using FaultCallback = std::function<void(absl::Status fault)>;

  // `pool` must outlive the writer. REQUIRES: the log's next offset is the model's; the writer is
  // owned by a shared_ptr.
  LogWriter(std::unique_ptr<Log> log, WorkerPool& pool, Options options);

  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // Sets the callbacks. Call once, before the first Append().
  void SetCallbacks(LoggedCallback logged, FaultCallback fault);

  // Queues a record.
  void Append(EncodedRecord record);

  // Says that all records below `offset` are learned; call it whenever this changes. While fewer
  // records are learned than logged, the writer waits, and then writes all that came meanwhile.
  void OnApplied(uint64_t offset);

  // Sets whether batches that are appended from now on count as logged only once they are on disk.
  // Other records, which are rare, always do.
  void SetSync(bool sync);

  // Stops retrying after failures. Records are still written as long as that works; a failure from
  // now on ends the strand, and the records that are left are dropped.
  void StopRetrying();

  // Pauses writing until GoOn(); records are still queued. Calls `held` once, as soon as nothing is
  // being written any more: before returning, or on the strand.
  void Hold(std::function<void()> held);
  void GoOn();
  // The next two report a fault while writing is paused. REQUIRES: Hold() has called `held`.
  // Reports the fault, as after a failure of the disk; GoOn() ends it.
  void Fail(absl::Status fault);
  // Reports the fault and drops all queued records. GoOn() must not be called any more.
  void Abandon(absl::Status fault);

  // Calls StopRetrying() and drops the records from `end` on, except those that are being written.
  // For a server that stops and answers no calls any more. REQUIRES: nothing is appended from now
  // on.
  void Stop(uint64_t end);

  // See Log::DropBefore(). May block on the disk; other threads may append meanwhile.
  absl::Status DropBefore(uint64_t offset, const Retention& retention, absl::Time now) {
    return log_->DropBefore(offset, retention, now);
  }
  // See Log::NewReader(). Blocks on the disk.
  absl::StatusOr<std::unique_ptr<LogReader>> NewReader(uint64_t offset) const {
    return log_->NewReader(offset);
  }
  // A reader of about the last `bytes` of the log, or of all of it if it is shorter. Errors as
  // Log::NewReader(). Blocks on the disk.
  absl::StatusOr<std::unique_ptr<LogReader>> ReadTail(uint64_t bytes) const;
  uint64_t first_offset() const { return log_->first_offset(); }
  uint64_t size_bytes() const { return log_->size_bytes(); }
  uint64_t safe_offset() const { return log_->safe_offset(); }

  // All records below this are logged.
  uint64_t logged_offset() const ABSL_LOCKS_EXCLUDED(mu_);
  // The size of all records that were queued so far.
  uint64_t appended_bytes() const { return appended_bytes_; }
  // How long it took to write and sync each group of records, since the writer was created.
  LatencyHistogram::Counts sync_latency() const { return sync_latency_.Read(); }

 private:
  struct Entry {
    EncodedRecord record;
    bool sync = true;  // Counts as logged once it is on disk.
  };

  // The pool that the strand runs on at present.
  WorkerPool& strand_pool() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return sync_ || options_.unsynced_pool == nullptr ? pool_ : *options_.unsynced_pool;
  }
  // Whether there are records to write, and the learner has caught up with those that are logged.
  bool has_work() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return !entries_.empty() && applied_offset_ >= logged_offset_;
  }
  void ScheduleStrand() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void RunStrand();
  // Ends the strand. Returns what the caller is to call without the lock; may be null.
  std::function<void()> EndStrand() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The entries that are written next.
  std::vector<const Entry*> NextGroup() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Removes the entries that were written from the queue. Returns the new logged_offset().
  uint64_t RemoveWritten();
  // After a failure: runs the strand again after a pause, unless retrying was stopped.
  void RetryLater();
  // Appends the entries that are not in the log yet, and syncs if one of them requires it.
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

  // Whether the last attempt failed. Owned by the strand or, while it is held, by who holds it.
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
  // The number of entries_, from the first on, that are being written.
  size_t writing_count_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_LOG_LOG_WRITER_H_
