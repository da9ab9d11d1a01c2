// Reads whole segments to find where they end, and tells what an interrupted write leaves from
// damage, as server/log/FORMAT.md says.

#ifndef FRESHET_SERVER_LOG_SEGMENT_SCAN_H_
#define FRESHET_SERVER_LOG_SEGMENT_SCAN_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/file/file_system.h"
#include "server/log/segment.h"
#include "server/log/segment_reader.h"

namespace freshet {

// What a segment holds.
struct SegmentScan {
  uint64_t records = 0;
  uint64_t next_offset = 0;
  uint64_t good_bytes = 0;  // The header and the good records.
  uint64_t file_bytes = 0;
  // What follows them, where that is not the end of the file.
  std::optional<SegmentDamage> damage;
  // Whether that is what an interrupted write or a loss of power leaves at the end of a log.
  bool torn = false;
};

// Reads records from where `reader` stands up to the first that is not good, and calls `visit`, if
// any, for each good one. An error only where reading fails.
absl::StatusOr<SegmentScan> ScanSegment(
    SegmentReader& reader, const std::function<void(const LogRecord&)>& visit = nullptr);

// The first offsets of the segments in the folder, in order.
absl::StatusOr<std::vector<uint64_t>> ListSegments(FileSystem& file_system, const std::string& dir);

// DATA_LOSS unless the segment with this header, in the file `path`, is the one that follows the
// segment that begins at `previous_first_offset` and has `previous_bytes` bytes.
absl::Status CheckFollows(const std::string& path, const SegmentHeader& header,
                          uint64_t previous_first_offset, uint64_t previous_bytes);

}  // namespace freshet

#endif  // FRESHET_SERVER_LOG_SEGMENT_SCAN_H_
