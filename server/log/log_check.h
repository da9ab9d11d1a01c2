// Looks for all damage in a log that no server has open, and cuts a log off or begins it anew: for
// `freshetd check` and `freshetd repair`, and for a start that fails.

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
  // Misplaced files that are looked at where they belong.
  MovedSegments moved;
  // Whether a record with good checksums can be replayed: its status says why not. May be null.
  std::function<absl::Status(const LogRecord&)> check_record;
};

// Good records without a gap.
struct OffsetRange {
  uint64_t begin = 0;
  uint64_t end = 0;  // Behind the last.
};

struct LogCheckReport {
  // Those with a good header, in order; next_offset is where their good records end.
  std::vector<SegmentFile> segments;
  // From the segment that begins here on, each follows the one before: the server takes these.
  uint64_t opens_at = 0;
  // One for each thing that is wrong, in order of offset; a log without any is good.
  std::vector<LogDamage> damages;
  // Files that are named like segments and belong to no place of the log.
  std::vector<LogDamage> strays;
  // The good records.
  std::vector<OffsetRange> ranges;
  // The log had come so far at least, whatever of it can be read.
  uint64_t known_end = 0;
  // Bytes at the end which are not a whole record, as an interrupted write leaves them: no damage,
  // the server cuts them off.
  uint64_t torn_bytes = 0;
  // Whether there is a file END, and what is wrong with it. No record depends on it, and the server
  // writes it anew.
  bool has_end = false;
  std::string end_problem;

  // The damage that hinders recovery first; null where none does.
  const LogDamage* FirstHindering(uint64_t needed_from) const;
};

// Reads every record of the log in `dir` and changes nothing. Errors as SurveyLog().
absl::StatusOr<LogCheckReport> CheckLog(FileSystem& file_system, const std::string& dir,
                                        const LogCheckOptions& options);

// What became of a log.
struct LogTruncation {
  uint64_t next_offset = 0;
  uint64_t removed_bytes = 0;
};

// Removes the record at `offset` and all that follows, good or not, durably; what is removed is
// kept in `removed`, a copy of the segment that is cut included. Recovery begins at `needed_from`,
// which is not above `offset`. INVALID_ARGUMENT where `offset` is below what the log keeps or above
// its end; DATA_LOSS where a record from `needed_from` on and below `offset` is damaged.
absl::StatusOr<LogTruncation> TruncateLog(FileSystem& file_system, const std::string& dir,
                                          uint64_t uid, uint64_t needed_from, uint64_t offset,
                                          RemovedFiles& removed);

// Begins a log anew, empty, at `offset`, durably; all its segments are kept in `removed`.
absl::Status BeginLogAnew(FileSystem& file_system, const std::string& dir, uint64_t uid,
                          uint64_t offset, RemovedFiles& removed);

}  // namespace freshet

#endif  // FRESHET_SERVER_LOG_LOG_CHECK_H_
