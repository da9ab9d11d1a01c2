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

// Records of a segment that are damaged, between good ones.
struct SegmentGap {
  SegmentDamage damage;
  uint64_t next_offset = 0;  // Of the good record that follows.
};

// What a segment holds.
struct SegmentScan {
  uint64_t records = 0;  // Good ones.
  uint64_t next_offset = 0;
  uint64_t good_bytes = 0;  // The header and the records.
  uint64_t file_bytes = 0;
  // What follows them, where that is not the end of the file.
  std::optional<SegmentDamage> damage;
  // Whether that is what an interrupted write or a loss of power leaves at the end of a log.
  bool torn = false;
  // Damage that was gone over, in order.
  std::vector<SegmentGap> gaps;
};

// Called for each good record.
using VisitRecord = std::function<void(const LogRecord&)>;

// Reads records from where `reader` stands up to byte `end_bytes`, or to the first that is not good
// and cannot be gone over, and calls `visit`, if any, for each good one. Damaged records below the
// offset `needed_from` are gone over where a good one follows them that is not above it. An error
// only if reading fails.
absl::StatusOr<SegmentScan> ScanSegment(SegmentReader& reader, uint64_t end_bytes,
                                        uint64_t needed_from, const VisitRecord& visit = nullptr);

// Goes over damage: where Next() has just found it, moves `reader` to the next good record, or
// behind the damaged one if that ends at `end_bytes` and its header is good. Never to an offset
// above `at_most`. Returns whether the reader was moved. Since records are checked with a seed of
// their own file, no other bytes can be taken for one.
absl::StatusOr<bool> SkipDamage(SegmentReader& reader, uint64_t end_bytes, uint64_t at_most);

}  // namespace freshet

#endif  // FRESHET_SERVER_LOG_SEGMENT_SCAN_H_
