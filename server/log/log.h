// A model's log on disk: records with consecutive offsets, from some first offset on. The files are
// described in server/log/FORMAT.md.
//
// Threads: one thread at a time appends (Append(), Recover(), SkipTo()); any thread may call the
// other methods meanwhile.
//
// When the disk fails: an Append() that fails leaves no trace, since its bytes are cut off again,
// and a later Append() may succeed. If the bytes could not be cut off, or if a Sync() failed, the
// end of the file is not trusted any more: the log refuses to append and to sync
// (FAILED_PRECONDITION) until Recover() has read what is really on disk.

#ifndef FRESHET_SERVER_LOG_LOG_H_
#define FRESHET_SERVER_LOG_LOG_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/file/file_system.h"
#include "server/log/log_reader.h"
#include "server/log/log_survey.h"
#include "server/log/log_tail.h"
#include "server/log/segment.h"
#include "server/log/segment_index.h"
#include "server/record/encoded_record.h"

namespace freshet {

struct LogOptions {
  // A record that would grow the last segment file beyond this size goes to a new one. A record
  // that is itself larger gets a segment of its own.
  uint64_t segment_bytes = uint64_t{128} << 20;
  // The first offset of a log that does not exist yet.
  uint64_t first_offset = 0;
  // Whether to create the log if its folder has no segments; otherwise that is DATA_LOSS.
  bool create = true;
  // Recovery replays the log on a state that includes all records below this offset. Damage to only
  // these records is left alone and named in the report.
  uint64_t needed_from = 0;
  // Whether all those records were on disk when that state was written. If so, a log that ends
  // before `needed_from` is DATA_LOSS.
  bool needed_from_was_durable = false;
  // The uid of the model, see server/file/model_folder.h; 0 if the model has none.
  uint64_t uid = 0;
};

// A record to append. Its payload is the concatenation of the pieces in `payload`.
struct NewRecord {
  RecordKind kind{};
  std::vector<ByteSpan> payload;
};

// How much of the log is kept beyond what recovery needs.
struct Retention {
  uint64_t max_bytes = 0;                         // Of all segments together.
  absl::Duration max_age = absl::ZeroDuration();  // Since a segment was last written.
};

// What Open() found and did.
struct RecoveryReport {
  uint64_t segment_count = 0;
  // Whole records in the last segment. The other segments are not read before they are replayed.
  uint64_t last_segment_records = 0;
  // Bytes cut off the end because they were not a whole record; 0 after a clean stop.
  uint64_t cut_bytes = 0;
  // The file that was cut, and the reason; empty if none was.
  std::string cut_path;
  std::string cut_reason;
  // Damage to what recovery does not need: for each, the file, the byte and the reason.
  std::vector<std::string> ignored;
};

class Log {
 public:
  // Opens the log in the folder `dir`, or creates it (and the folder itself). Reads the headers of
  // all segments and the records of the last one, and cuts off an incomplete record at the end, as
  // an interrupted write leaves it.
  //
  // DATA_LOSS, with the file and the byte, if anything else is damaged that recovery needs (see
  // LogOptions), if a segment is missing, or if the log ends earlier than it once did; changes
  // nothing then. FAILED_PRECONDITION if a newer version wrote the log. Keeps a reference to
  // `file_system`. The data folder's lock, not this class, keeps two logs off the same folder.
  static absl::StatusOr<std::unique_ptr<Log>> Open(FileSystem& file_system, std::string dir,
                                                   LogOptions options);

  // Releases the preallocated space, so that the file ends with its last record. Does not sync.
  // REQUIRES: no other thread is in a call.
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // Appends a record whose payload is the concatenation of `payload`, and returns its offset. The
  // operating system then has the record, so that it survives a crash of the process; only after
  // Sync() does it survive a loss of power. INVALID_ARGUMENT above kMaxPayloadBytes; otherwise the
  // file system's error (RESOURCE_EXHAUSTED for a full disk).
  absl::StatusOr<uint64_t> Append(RecordKind kind, std::span<const ByteSpan> payload);

  // Appends records in order, many in one write. With `sync_follows`, starts writing them to the
  // disk, and the caller is to call Sync() next. After a failure the log may have some of them, the
  // first ones: next_offset() tells how many.
  absl::Status Append(std::span<const NewRecord> records, bool sync_follows);

  // Makes every record appended before the call durable. Any thread may call this, also while
  // another appends; threads that call it at the same time share one fdatasync.
  absl::Status Sync();

  // After a failure: restores trust in the end of the log. Reads the records that are not durable
  // into memory, cuts them off the file, appends them again, syncs, and compares with what the disk
  // has. Returns next_offset(): all records below it are durable. If that is less than an offset
  // that Append() had returned, records are lost, and whoever has applied them must load an older
  // state and replay. After an error the log still refuses to append; call again when the cause is
  // gone.
  //
  // Takes memory for what was appended since the last sync: at most a segment, or one record that
  // is larger. Keeps it until a call succeeds. If the process ends before that, records that were
  // not durable may be lost.
  absl::StatusOr<uint64_t> Recover();

  // Drops all records, so that the log is empty and goes on at `offset`. Needed if the state was
  // loaded from a snapshot beyond the end of the log; without DURABILITY_FSYNC, a loss of power can
  // leave such a log. REQUIRES: offset >= next_offset(); no reader is left.
  absl::Status SkipTo(uint64_t offset);

  // Removes the oldest segments while the log exceeds `retention` at the time `now`: those that
  // hold only records below `offset`, never the last segment, and none that a reader still has to
  // read.
  absl::Status DropBefore(uint64_t offset, const Retention& retention, absl::Time now);

  // A reader of the records from `offset` on. OUT_OF_RANGE if `offset` is below first_offset(),
  // NOT_FOUND if it is above next_offset(); FAILED_PRECONDITION while the log waits for Recover().
  // The reader may outlive the log, and then reads up to the log's last record.
  absl::StatusOr<std::unique_ptr<LogReader>> NewReader(uint64_t offset);

  // The offset of the oldest record that is kept, or next_offset() if there is none.
  uint64_t first_offset() const;
  // The offset that the next record gets.
  uint64_t next_offset() const;
  // Records below this are durable.
  uint64_t durable_offset() const;
  // Records below this survive a crash of the process. Those are all records, unless a sync failed,
  // or a Recover() that had begun to write them again; then they are the durable ones.
  uint64_t safe_offset() const;
  // The size of all segments together, including headers.
  uint64_t size_bytes() const;
  // What Open() found and did.
  const RecoveryReport& recovery_report() const { return recovery_report_; }

 private:
  Log(FileSystem& file_system, std::string dir, LogOptions options);

  // Opening.
  absl::Status Load();
  absl::Status CreateFirstSegment(const LogSurvey& survey);
  absl::Status CheckNeeded(const LogSurvey& survey);
  absl::Status RemoveObsolete(std::span<const std::string> paths);
  absl::Status LoadLastSegment(const SegmentFile& last, const LogSurvey& survey);

  // Appending.
  absl::StatusOr<std::shared_ptr<AppendFile>> CreateSegment(const SegmentHeader& header);
  absl::Status Rotate();
  absl::StatusOr<size_t> MakeRoom(std::span<const NewRecord> records);
  absl::Status AppendToSegment(std::span<const NewRecord> records, bool sync_follows);
  void TakeBack(AppendFile& file, uint64_t size_bytes, const absl::Status& cause);

  absl::StatusOr<bool> FirstExceeds(const Retention& retention, absl::Time now) const;

  // Syncing. With `target`, only if a record below it is not durable yet; otherwise in any case.
  absl::Status SyncFile(std::optional<uint64_t> target);
  absl::Status FailureLocked() const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  // Refuses to append from now on, because of `cause`. The records below `safe_offset` are in the
  // files nevertheless.
  void Distrust(const absl::Status& cause, uint64_t safe_offset) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Recovering.
  absl::Status RemoveUnfinished(uint64_t last_first_offset);

  // Writes down how far the log has come at least (see log_end.h).
  absl::Status WriteEnd(uint64_t segment, uint64_t next_offset);

  std::string PathOf(uint64_t first_offset) const;

  FileSystem& file_system_;
  const std::string dir_;
  const LogOptions options_;
  const std::shared_ptr<SegmentIndex> index_;
  RecoveryReport recovery_report_;

  // Owned by the appending thread.
  SegmentHeader header_;                    // Of the last segment.
  uint64_t preallocated_bytes_ = 0;         // The size up to which disk space was requested.
  std::vector<RecordHeaderBytes> headers_;  // Kept, like pieces_, to reuse its memory.
  std::vector<ByteSpan> pieces_;
  // The records after durable_, while a recovery may have cut them off the file.
  std::optional<LogTail> tail_;

  mutable absl::Mutex mu_;
  // The last segment's file. Only the appending thread replaces it.
  std::shared_ptr<AppendFile> file_ ABSL_GUARDED_BY(mu_);
  // Up to where the last segment is durable.
  SegmentEnd durable_ ABSL_GUARDED_BY(mu_);
  bool syncing_ ABSL_GUARDED_BY(mu_) = false;
  absl::CondVar sync_done_;
  // Why the end of the log is not trusted; OK if it is.
  absl::Status distrust_ ABSL_GUARDED_BY(mu_);
  uint64_t distrusted_safe_offset_ ABSL_GUARDED_BY(mu_) = 0;  // If it is not; see Distrust().
};

}  // namespace freshet

#endif  // FRESHET_SERVER_LOG_LOG_H_
