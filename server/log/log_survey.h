// Which files of a folder make up a log, by the headers of its segments: what opening a log,
// `freshetd check` and `freshetd repair` agree on.

#ifndef FRESHET_SERVER_LOG_LOG_SURVEY_H_
#define FRESHET_SERVER_LOG_LOG_SURVEY_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/file/file_system.h"
#include "server/log/log_end.h"
#include "server/log/segment.h"

namespace freshet {

// Behind every offset.
inline constexpr uint64_t kNoEnd = ~uint64_t{0};

// One thing that is wrong with a log.
struct LogDamage {
  std::string path;
  uint64_t position = 0;  // The byte in the file; 0 where all of the file is meant.
  // Records from this offset on cannot be read, up to another; kNoEnd: none that can be read
  // follows. Where both are the same no record is lost, and where both are kNoEnd the log cannot be
  // opened for another reason.
  uint64_t from = 0;
  uint64_t to = 0;
  std::string reason;  // Does not name the file.
  // Whether the file holds no record of this log that can be read.
  bool whole_file = false;

  // Whether it hinders a recovery whose state includes the records below `needed_from`.
  bool hinders(uint64_t needed_from) const {
    return to > needed_from && (from < to || to == kNoEnd);
  }
};

// "FILE: byte N: REASON".
std::string DescribeDamage(const LogDamage& damage);

// DATA_LOSS that says the same.
absl::Status LogDamageError(const LogDamage& damage);

// A segment, by its name and its header.
struct SegmentFile {
  std::string path;
  uint64_t first_offset = 0;
  // The offset that the next segment begins with, or where one is damaged; kNoEnd behind the last.
  uint64_t next_offset = kNoEnd;
  // What the next segment says, or the file's size.
  uint64_t size_bytes = 0;
  SegmentHeader header;
};

struct LogSurvey {
  // The segments with a good header, in order.
  std::vector<SegmentFile> segments;
  // From this one on, each segment follows the one before, up to the last. Log::Open() takes these.
  size_t unbroken_from = 0;
  // What the headers show, in order of offset.
  std::vector<LogDamage> damages;
  // Files that are named like segments and belong to no place of the log.
  std::vector<LogDamage> strays;
  // Segments before one with which the log begins anew: to be removed.
  std::vector<std::string> obsolete;
  // Whether there is a file END; what stands in it, or else what is wrong with it.
  bool has_end = false;
  std::optional<LogEnd> end;
  std::string end_problem;
};

// Files to be looked at as if they stood at another first offset, or as if they were not there.
using MovedSegments = std::map<std::string, std::optional<uint64_t>>;

// Looks at the log of the model `uid` in the folder `dir`; changes nothing. NOT_FOUND where the
// folder is missing; FAILED_PRECONDITION where a newer version wrote a segment; the file system's
// error where a file cannot be looked at.
absl::StatusOr<LogSurvey> SurveyLog(FileSystem& file_system, const std::string& dir, uint64_t uid,
                                    const MovedSegments& moved = {});

// Why a log that ends before `next_offset` cannot be all of it; none where it may be. What was
// known of it stands in `end`; a state that recovery begins from includes all records below
// `needed_from`, which were on disk by then where `needed_from_was_durable`.
std::optional<std::string> ProblemOfEnd(uint64_t next_offset, const std::optional<LogEnd>& end,
                                        uint64_t needed_from, bool needed_from_was_durable);

// The header of a segment's file and the file's size. DATA_LOSS says what is wrong, without the
// file's name; otherwise as SurveyLog().
absl::StatusOr<SegmentHeader> ReadSegmentHeader(FileSystem& file_system, const std::string& path,
                                                uint64_t& size_bytes);

}  // namespace freshet

#endif  // FRESHET_SERVER_LOG_LOG_SURVEY_H_
