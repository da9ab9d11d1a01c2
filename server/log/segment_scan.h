// Reads whole segments to find where their records end, and tells an interrupted write from damage,
// by the rules in server/log/FORMAT.md.

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

// Damaged records between good ones.
struct SegmentGap {
  SegmentDamage damage;
  uint64_t next_offset = 0;  // The offset of the good record that follows.
};

// What a segment holds.
struct SegmentScan {
  uint64_t records = 0;  // Good ones.
  uint64_t next_offset = 0;
  uint64_t good_bytes = 0;  // The size of the header and the records up to the last good one.
  uint64_t file_bytes = 0;
  // The damage that follows them, if the file does not end there.
  std::optional<SegmentDamage> damage;
  // Whether that damage is what an interrupted write or a loss of power leaves at the end of a log.
  bool torn = false;
  // Damage that was skipped, in order.
  std::vector<SegmentGap> gaps;
};

// Called for each good record.
using VisitRecord = std::function<void(const LogRecord&)>;

// Reads records from the position of `reader` up to byte `end_bytes`, or up to damage that cannot
// be skipped, and calls `visit`, unless null, for each good record. Damaged records below the
// offset `needed_from` are skipped if a good record follows whose offset is not above
// `needed_from`. Fails only if reading fails.
absl::StatusOr<SegmentScan> ScanSegment(SegmentReader& reader, uint64_t end_bytes,
                                        uint64_t needed_from, const VisitRecord& visit = nullptr);

// Skips the damage that reader.Next() has just found: moves `reader` to the next good record or, if
// the damaged record has a good header and ends at `end_bytes`, to its end. Never moves to an
// offset above `at_most`. Returns whether it moved the reader. Other bytes cannot be mistaken for a
// record, because checksums are seeded for each file.
absl::StatusOr<bool> SkipDamage(SegmentReader& reader, uint64_t end_bytes, uint64_t at_most);

}  // namespace freshet

#endif  // FRESHET_SERVER_LOG_SEGMENT_SCAN_H_
