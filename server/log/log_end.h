// The file END in a log's folder, which says how far the log had come. Without it, nobody would
// notice the loss of the newest segments. See server/log/FORMAT.md.

#ifndef FRESHET_SERVER_LOG_LOG_END_H_
#define FRESHET_SERVER_LOG_LOG_END_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/file/file_system.h"

namespace freshet {

// The name of the file in the log's folder.
inline constexpr std::string_view kLogEndName = "END";

// What the log had at least. It may have had more, since the file is written when a log is opened
// and when a segment is begun, but not with each record.
struct LogEnd {
  uint64_t segment = 0;      // The first offset of the last segment that may have records.
  uint64_t next_offset = 0;  // All records below this were on disk.

  friend bool operator==(const LogEnd&, const LogEnd&) = default;
};

// Reads the file in the folder `dir` of the log of the model `uid`. NOT_FOUND if there is none, as
// in logs of older versions; DATA_LOSS if it is damaged or another model's.
absl::StatusOr<LogEnd> ReadLogEnd(FileSystem& file_system, const std::string& dir, uint64_t uid);

// Replaces the file, whole or not at all, and makes it durable.
absl::Status WriteLogEnd(FileSystem& file_system, const std::string& dir, uint64_t uid,
                         const LogEnd& end);

}  // namespace freshet

#endif  // FRESHET_SERVER_LOG_LOG_END_H_
