// Looks for damage in a log that no server has open, and cuts a log off: for `freshetd check` and
// `freshetd repair`.

#ifndef FRESHET_SERVER_LOG_LOG_CHECK_H_
#define FRESHET_SERVER_LOG_LOG_CHECK_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/file/file_system.h"
#include "server/log/restore_payload.h"

namespace freshet {

// One thing that is wrong.
struct LogProblem {
  std::string path;
  uint64_t position = 0;     // The byte in the file.
  uint64_t next_offset = 0;  // The first offset that is lost; what is below it is good.
  std::string reason;
};

// One segment that was read.
struct CheckedSegment {
  std::string path;
  uint64_t first_offset = 0;
  uint64_t next_offset = 0;  // After its last good record.
  uint64_t size_bytes = 0;   // The file.
};

struct LogCheckReport {
  std::vector<CheckedSegment> segments;
  // In order; the first is the offset to truncate at. Empty: the log is good.
  std::vector<LogProblem> problems;
  // Bytes at the end which are not a whole record, as an interrupted write leaves them: no problem,
  // the server cuts them off.
  uint64_t torn_bytes = 0;
  // The restores among the good records, by their offsets.
  std::map<uint64_t, RestorePayload> restores;
};

// Reads every record of the log in `dir`, that of the model `uid`, and changes nothing. An error
// only where the files cannot be read at all.
absl::StatusOr<LogCheckReport> CheckLog(FileSystem& file_system, const std::string& dir,
                                        uint64_t uid);

// What TruncateLog() did.
struct LogTruncation {
  uint64_t next_offset = 0;
  uint64_t removed_bytes = 0;
  std::vector<std::string> removed_files;
};

// Removes the record at `offset` and all that follows, good or not, durably. All that is kept must
// be good. INVALID_ARGUMENT where `offset` is below what the log keeps or above its end; DATA_LOSS
// where a record below `offset` is damaged.
absl::StatusOr<LogTruncation> TruncateLog(FileSystem& file_system, const std::string& dir,
                                          uint64_t uid, uint64_t offset);

}  // namespace freshet

#endif  // FRESHET_SERVER_LOG_LOG_CHECK_H_
