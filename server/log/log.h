// A model's log on disk: records in order, each with an offset, from some first offset on, without
// gaps. The files are described in server/log/FORMAT.md.
//
// Threads: one thread at a time appends (Append(), Recover(), SkipTo()); any thread may call the
// rest at the same time.
//
// When the disk fails. An Append() that fails leaves no trace: its bytes are cut off again, and a
// later Append() may succeed. Where they could not be cut off, or where a Sync() failed, the end of
// the file is not trusted any more: the log refuses to append and to sync (FAILED_PRECONDITION)
// until Recover() has looked at what is really on disk.

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
  // A new segment file is begun where a record would grow the last one beyond this. A larger record
  // has a segment to itself.
  uint64_t segment_bytes = uint64_t{128} << 20;
  // The first offset of a log that does not exist yet.
  uint64_t first_offset = 0;
  // Whether a folder without segments is taken for a log that is to be created. Otherwise it is
  // DATA_LOSS.
  bool create = true;
  // The state that the records are replayed on includes all below this offset. Damage that takes
  // only such records is left alone and named in the report.
  uint64_t needed_from = 0;
  // Whether those records were on disk when that state was written there: a log that ends before
  // is then DATA_LOSS.
  bool needed_from_was_durable = false;
  // Of the model whose log it is; see server/file/model_folder.h. 0: it has none.
  uint64_t uid = 0;
};

// A record that is to be appended: its payload is `payload`, one piece after the other.
struct NewRecord {
  RecordKind kind{};
  std::vector<ByteSpan> payload;
};

// How much of a log is kept that nobody needs.
struct Retention {
  uint64_t max_bytes = 0;                         // Of all segments together.
  absl::Duration max_age = absl::ZeroDuration();  // Since a segment was last written.
};

// What Open() found and did.
struct RecoveryReport {
  uint64_t segment_count = 0;
  // Whole records in the last segment; the others are read when they are replayed.
  uint64_t last_segment_records = 0;
  // Bytes cut off the end because they were not a whole record; 0 after a clean stop.
  uint64_t cut_bytes = 0;
  // The file that was cut, and the reason; empty where nothing was.
  std::string cut_path;
  std::string cut_reason;
  // What is damaged and not needed: file, byte and reason of each.
  std::vector<std::string> ignored;
};

class Log {
 public:
  // Opens the log in the folder `dir`, or creates it (and the folder itself). Reads the headers of
  // all segments and the records of the last one, and cuts off a tail that is not a whole record,
  // as an interrupted write leaves it.
  //
  // DATA_LOSS where anything else is damaged that is needed (see LogOptions), where a segment is
  // missing, and where the log had come further than it goes: names the file and the byte. Nothing
  // is changed then. FAILED_PRECONDITION where a newer version wrote it. Keeps a reference to
  // `file_system`. Two logs on one folder are prevented by the data folder's lock, not here.
  static absl::StatusOr<std::unique_ptr<Log>> Open(FileSystem& file_system, std::string dir,
                                                   LogOptions options);

  // Gives back the preallocated space, so that the file is as long as its records. Does not sync.
  // REQUIRES: no other thread is in a call.
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // Appends a record whose payload is `payload`, one piece after the other, and returns its offset.
  // The record is then with the operating system: it survives a crash of the process, and a loss of
  // power only after Sync(). INVALID_ARGUMENT above kMaxPayloadBytes; otherwise the file system's
  // error (RESOURCE_EXHAUSTED for a full disk).
  absl::StatusOr<uint64_t> Append(RecordKind kind, std::span<const ByteSpan> payload);

  // Appends records in order, many in one write. Where `sync_follows`, they are on their way to the
  // disk; call Sync() next. After a failure the first of them may be in the log: see next_offset().
  absl::Status Append(std::span<const NewRecord> records, bool sync_follows);

  // Makes every record appended before the call durable. Any thread, also while another appends;
  // threads that call it at the same time share one fdatasync.
  absl::Status Sync();

  // After a failure: makes the end of the log one to be trusted. Reads what is not yet durable into
  // memory, cuts it off the file, appends it anew, syncs it, and compares it with what the disk
  // has. Returns next_offset(): all records below it are durable. Where that is less than what
  // Append() had returned, records are gone, and whoever has applied them must load an older state
  // and replay. After an error the log still refuses to append; call again when the cause is gone.
  //
  // The memory: what was appended since the last sync, at most a segment, or one record that is
  // larger. It is kept until a call succeeds; where the process ends before that, records which
  // were not durable may be gone.
  absl::StatusOr<uint64_t> Recover();

  // Drops all records and goes on, empty, at `offset`. For a state that was loaded from a snapshot
  // which the log does not reach, as a loss of power leaves it without DURABILITY_FSYNC.
  // REQUIRES: offset >= next_offset(); no reader is left.
  absl::Status SkipTo(uint64_t offset);

  // Removes the oldest segments that hold only records below `offset` while they exceed what is to
  // be retained at `now`; never the last segment, nor those that a reader has not passed yet.
  absl::Status DropBefore(uint64_t offset, const Retention& retention, absl::Time now);

  // Reads from `offset` on. OUT_OF_RANGE where it is below first_offset() or above next_offset();
  // FAILED_PRECONDITION while the log waits for Recover().
  // A reader outlives the log, but then reads no further than the log had come.
  absl::StatusOr<std::unique_ptr<LogReader>> NewReader(uint64_t offset);

  // The offset of the oldest record that is kept, or next_offset() where there is none.
  uint64_t first_offset() const;
  // The offset that the next record gets.
  uint64_t next_offset() const;
  // Records below this are durable.
  uint64_t durable_offset() const;
  // Records below this are there after a crash of the process: all of them, unless a sync failed,
  // or a Recover() did that had begun to write them anew; then those which are durable.
  uint64_t safe_offset() const;
  // All segments together, headers included.
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

  // Syncing. Until all below `target` is durable; without it in any case.
  absl::Status SyncFile(std::optional<uint64_t> target);
  absl::Status FailureLocked() const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  // `safe_offset`: the records below are in the files all the same.
  void Distrust(const absl::Status& cause, uint64_t safe_offset) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Recovering.
  absl::Status RemoveUnfinished(uint64_t last_first_offset);

  // Puts down how far the log has come at least (see log_end.h).
  absl::Status WriteEnd(uint64_t segment, uint64_t next_offset);

  std::string PathOf(uint64_t first_offset) const;

  FileSystem& file_system_;
  const std::string dir_;
  const LogOptions options_;
  const std::shared_ptr<SegmentIndex> index_;
  RecoveryReport recovery_report_;

  // Owned by the appending thread.
  SegmentHeader header_;                    // Of the last segment.
  uint64_t preallocated_bytes_ = 0;         // The size up to which disk space was asked for.
  std::vector<RecordHeaderBytes> headers_;  // Kept for their memory, as the pieces.
  std::vector<ByteSpan> pieces_;
  // What stands behind durable_, while a recovery may have cut it off the file.
  std::optional<LogTail> tail_;

  mutable absl::Mutex mu_;
  // The last segment's file. Replaced by the appending thread alone.
  std::shared_ptr<AppendFile> file_ ABSL_GUARDED_BY(mu_);
  // How far the last segment is durable.
  SegmentEnd durable_ ABSL_GUARDED_BY(mu_);
  bool syncing_ ABSL_GUARDED_BY(mu_) = false;
  absl::CondVar sync_done_;
  // Why the end of the log is not trusted; OK where it is.
  absl::Status distrust_ ABSL_GUARDED_BY(mu_);
  uint64_t distrusted_safe_offset_ ABSL_GUARDED_BY(mu_) = 0;  // See Distrust(), where it is not.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_LOG_LOG_H_
