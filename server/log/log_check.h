// Finds all damage in a log, cuts a log off, and begins a log anew: for `freshetd check`, for
// `freshetd repair`, and to explain a start that fails. No server may have the log open.

#ifndef FRESHET_SERVER_LOG_LOG_CHECK_H_
#define FRESHET_SERVER_LOG_LOG_CHECK_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/file/file_system.h"
#include "server/file/removed_files.h"
#include "server/log/log_survey.h"
#include "server/log/segment_reader.h"

namespace freshet {

struct LogCheckOptions {
  uint64_t uid = 0;  // See LogOptions.
  // The state that recovery begins from includes all records below; see LogOptions.
  uint64_t needed_from = 0;
  bool needed_from_was_durable = false;  // See LogOptions.
  // Misplaced files, which are read as if they were where they belong.
  MovedSegments moved;
  // Checks that a record whose checksums are good can be replayed; the error says why not. May be
  // null, which accepts every record.
  std::function<absl::Status(const LogRecord&)> check_record;
};

// Consecutive good records: the offsets [begin, end).
struct OffsetRange {
  uint64_t begin = 0;
  uint64_t end = 0;
};

struct LogCheckReport {
  // The segments with a good header, in order. Their next_offset is where their good records end.
  std::vector<SegmentFile> segments;
  // The first offset of the oldest segment from which on no segment is missing. The server uses
  // only the segments from there on.
  uint64_t opens_at = 0;
  // All damage, in order of offset; a log without any is good.
  std::vector<LogDamage> damages;
  // Files that are named like segments and are not part of the log.
  std::vector<LogDamage> strays;
  // The good records.
  std::vector<OffsetRange> ranges;
  // The offset that the log is known to have reached, even if the records before it cannot be read.
  uint64_t known_end = 0;
  // The size of an incomplete record at the end, as an interrupted write leaves it. That is not
  // damage: the server cuts it off.
  uint64_t torn_bytes = 0;
  // Whether the file END exists, and what is wrong with it. No record depends on it, and the server
  // writes it anew.
  bool has_end = false;
  std::string end_problem;

  // The first damage that hinders recovery; null if none does.
  const LogDamage* FirstHindering(uint64_t needed_from) const;
};

// Reads every record of the log in `dir`. Changes nothing. Errors as SurveyLog().
absl::StatusOr<LogCheckReport> CheckLog(FileSystem& file_system, const std::string& dir,
                                        const LogCheckOptions& options);

// What TruncateLog() left of a log.
struct LogTruncation {
  uint64_t next_offset = 0;
  uint64_t removed_bytes = 0;
};

// Removes the record at `offset` and all records after it, good or not, durably. What is removed is
// kept in `removed`, with a copy of the segment that is cut. Recovery begins at `needed_from`,
// which must not be above `offset`. INVALID_ARGUMENT if `offset` is before the log's first record
// or after its end; DATA_LOSS if a record in [needed_from, offset) is damaged.
absl::StatusOr<LogTruncation> TruncateLog(FileSystem& file_system, const std::string& dir,
                                          uint64_t uid, uint64_t needed_from, uint64_t offset,
                                          RemovedFiles& removed);

// Replaces the log by an empty one that begins at `offset`, durably. All its segments are kept in
// `removed`.
absl::Status BeginLogAnew(FileSystem& file_system, const std::string& dir, uint64_t uid,
                          uint64_t offset, RemovedFiles& removed);

}  // namespace freshet

#endif  // FRESHET_SERVER_LOG_LOG_CHECK_H_
