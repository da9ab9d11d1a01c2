// Finds out, from the headers of segments alone, which files of a folder make up a log. Opening a
// log, `freshetd check` and `freshetd repair` all rely on this.

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

// An offset after all others.
inline constexpr uint64_t kNoEnd = ~uint64_t{0};

// One thing that is wrong with a log.
struct LogDamage {
  std::string path;
  uint64_t position = 0;  // The byte in the file; 0: the whole file.
  // The records [from, to) cannot be read; `to` is kNoEnd if no readable record follows. If both
  // are the same offset, no record is lost. If both are kNoEnd, no record is lost either, but
  // something else keeps the log from being opened.
  uint64_t from = 0;
  uint64_t to = 0;
  std::string reason;  // Does not name the file.
  // Whether the file holds no record of this log that can be read.
  bool whole_file = false;

  // Whether a recovery fails whose state includes all records below `needed_from`.
  bool hinders(uint64_t needed_from) const {
    return to > needed_from && (from < to || to == kNoEnd);
  }
};

// "FILE: byte N: REASON".
std::string DescribeDamage(const LogDamage& damage);

// DATA_LOSS with the same text.
absl::Status LogDamageError(const LogDamage& damage);

// A segment, as its name and its header describe it.
struct SegmentFile {
  std::string path;
  uint64_t first_offset = 0;
  // The first offset of the next segment, even if that is damaged or missing; kNoEnd for the last
  // one.
  uint64_t next_offset = kNoEnd;
  // As the next segment's header says or, for the last segment, the file's size.
  uint64_t size_bytes = 0;
  SegmentHeader header;
};

struct LogSurvey {
  // The segments with a good header, in order.
  std::vector<SegmentFile> segments;
  // The index of the oldest segment from which on no segment is missing. Log::Open() uses the
  // segments from there on.
  size_t unbroken_from = 0;
  // The damage that headers show, in order of offset.
  std::vector<LogDamage> damages;
  // Files that are named like segments and are not part of the log.
  std::vector<LogDamage> strays;
  // Segments before one with which the log was begun anew; they are to be removed.
  std::vector<std::string> obsolete;
  // Whether the file END exists, and its content or else what is wrong with it.
  bool has_end = false;
  std::optional<LogEnd> end;
  std::string end_problem;
};

// Files to be read as if they began at another offset or, without an offset, to be ignored; by
// path.
using MovedSegments = std::map<std::string, std::optional<uint64_t>>;

// Surveys the log of the model `uid` in the folder `dir`. Changes nothing. NOT_FOUND if the folder
// is missing; FAILED_PRECONDITION if a newer version wrote a segment; the file system's error if a
// file cannot be read.
absl::StatusOr<LogSurvey> SurveyLog(FileSystem& file_system, const std::string& dir, uint64_t uid,
                                    const MovedSegments& moved = {});

// Why records must be missing from the end of a log that ends at `next_offset`; none if it may be
// complete. `end` is the content of the file END, if there is any. Recovery begins from a state
// with all records below `needed_from`; with `needed_from_was_durable`, these were on disk when
// that state was written.
std::optional<std::string> ProblemOfEnd(uint64_t next_offset, const std::optional<LogEnd>& end,
                                        uint64_t needed_from, bool needed_from_was_durable);

// Reads the header of a segment's file, and the file's size. DATA_LOSS says what is wrong, without
// the file's name; other errors as SurveyLog().
absl::StatusOr<SegmentHeader> ReadSegmentHeader(FileSystem& file_system, const std::string& path,
                                                uint64_t& size_bytes);

}  // namespace freshet

#endif  // FRESHET_SERVER_LOG_LOG_SURVEY_H_
