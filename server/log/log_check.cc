#include "server/log/log_check.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "core/base/str_cat.h"
#include "server/log/record_kind.h"
#include "server/log/segment.h"
#include "server/log/segment_reader.h"
#include "server/log/segment_scan.h"

namespace freshet {
namespace {

std::string PathOf(const std::string& dir, uint64_t first_offset) {
  return StrCat(dir, "/", SegmentFileName(first_offset));
}

// Reads one segment and adds what it finds to the report.
absl::Status CheckSegment(FileSystem& file_system, const std::string& path, uint64_t uid,
                          uint64_t first_offset, bool last, LogCheckReport& report) {
  const absl::StatusOr<uint64_t> size = file_system.FileSize(path);
  if (!size.ok()) return size.status();
  CheckedSegment segment{
      .path = path, .first_offset = first_offset, .next_offset = first_offset, .size_bytes = *size};
  const auto add_problem = [&](uint64_t position, uint64_t next_offset, std::string reason) {
    report.problems.push_back({.path = path,
                               .position = position,
                               .next_offset = next_offset,
                               .reason = std::move(reason)});
  };
  // Where a segment before this one is missing or was cut, the first lost offset is its.
  const uint64_t expected_offset =
      report.segments.empty() ? first_offset : report.segments.back().next_offset;
  const absl::StatusOr<std::unique_ptr<SegmentReader>> reader =
      SegmentReader::Open(file_system, path, uid);
  if (!reader.ok()) {
    add_problem(0, expected_offset, std::string(ToStd(reader.status().message())));
    report.segments.push_back(std::move(segment));
    return absl::OkStatus();
  }
  if (!report.segments.empty()) {
    const CheckedSegment& previous = report.segments.back();
    const absl::Status follows =
        CheckFollows(path, (*reader)->header(), previous.first_offset, previous.size_bytes);
    if (!follows.ok()) add_problem(0, expected_offset, std::string(ToStd(follows.message())));
  }
  const absl::StatusOr<SegmentScan> scan = ScanSegment(**reader, [&](const LogRecord& record) {
    if (record.kind != RecordKind::kRestore) return;
    report.restores[record.offset] = ParseRestorePayload(record.payload);
  });
  if (!scan.ok()) return scan.status();
  segment.next_offset = scan->next_offset;
  if (scan->damage.has_value() && last && scan->torn) {
    report.torn_bytes = scan->file_bytes - scan->good_bytes;
  } else if (scan->damage.has_value()) {
    add_problem(scan->damage->position, segment.next_offset, scan->damage->reason);
  }
  report.segments.push_back(std::move(segment));
  return absl::OkStatus();
}

// The end of the segment that is to be kept up to `offset`.
absl::StatusOr<uint64_t> FindPosition(SegmentReader& reader, uint64_t offset) {
  const absl::StatusOr<uint64_t> size = reader.file().SizeBytes();
  if (!size.ok()) return size.status();
  while (reader.offset() < offset) {
    const absl::StatusOr<std::optional<LogRecord>> record = reader.Next(*size);
    if (!record.ok()) return record.status();
    if (!record->has_value()) {
      return absl::InvalidArgumentError(StrCat(reader.path(), ": the log ends at offset ",
                                               reader.offset(), "; it can be truncated at ",
                                               reader.offset(), ", not at ", offset));
    }
  }
  return reader.position();
}

// Removes a segment and adds it to what was removed.
absl::Status RemoveSegment(FileSystem& file_system, const std::string& dir, uint64_t first_offset,
                           LogTruncation& truncation) {
  const std::string path = PathOf(dir, first_offset);
  const absl::StatusOr<uint64_t> size = file_system.FileSize(path);
  if (!size.ok()) return size.status();
  if (absl::Status status = file_system.Unlink(path); !status.ok()) return status;
  // Before the next one goes: a loss of power must not leave a gap.
  if (absl::Status status = file_system.SyncDir(dir); !status.ok()) return status;
  truncation.removed_bytes += *size;
  truncation.removed_files.push_back(path);
  return absl::OkStatus();
}

// Cuts a segment off before the record `offset`.
absl::Status CutSegment(FileSystem& file_system, const std::string& path, uint64_t offset,
                        uint64_t position, LogTruncation& truncation) {
  absl::StatusOr<std::unique_ptr<AppendFile>> file =
      file_system.OpenAppend(path, AppendMode::kExisting);
  if (!file.ok()) return file.status();
  truncation.next_offset = offset;
  if ((*file)->size_bytes() == position) return absl::OkStatus();
  truncation.removed_bytes += (*file)->size_bytes() - position;
  if (absl::Status status = (*file)->Truncate(position); !status.ok()) return status;
  return (*file)->Sync();
}

// The position of `offset` in the last of `segments`, after all of them were read and found good
// up to there.
absl::StatusOr<uint64_t> VerifyKept(FileSystem& file_system, const std::string& dir, uint64_t uid,
                                    const std::vector<uint64_t>& segments, uint64_t offset) {
  uint64_t position = 0;
  for (size_t i = 0; i < segments.size(); ++i) {
    const std::string path = PathOf(dir, segments[i]);
    const absl::StatusOr<std::unique_ptr<SegmentReader>> reader =
        SegmentReader::Open(file_system, path, uid);
    if (!reader.ok()) return reader.status();
    if (i > 0) {
      absl::Status status = CheckFollows(path, (*reader)->header(), segments[i - 1], position);
      if (!status.ok()) return status;
    }
    const uint64_t end = i + 1 < segments.size() ? segments[i + 1] : offset;
    const absl::StatusOr<uint64_t> found = FindPosition(**reader, end);
    if (!found.ok()) return found.status();
    position = *found;
  }
  return position;
}

}  // namespace

absl::StatusOr<LogCheckReport> CheckLog(FileSystem& file_system, const std::string& dir,
                                        uint64_t uid) {
  const absl::StatusOr<std::vector<uint64_t>> segments = ListSegments(file_system, dir);
  if (!segments.ok()) return segments.status();
  LogCheckReport report;
  for (const uint64_t first_offset : *segments) {
    absl::Status status = CheckSegment(file_system, PathOf(dir, first_offset), uid, first_offset,
                                       first_offset == segments->back(), report);
    if (!status.ok()) return status;
  }
  return report;
}

absl::StatusOr<LogTruncation> TruncateLog(FileSystem& file_system, const std::string& dir,
                                          uint64_t uid, uint64_t offset) {
  const absl::StatusOr<std::vector<uint64_t>> segments = ListSegments(file_system, dir);
  if (!segments.ok()) return segments.status();
  if (segments->empty() || offset < segments->front()) {
    return absl::InvalidArgumentError(
        segments->empty() ? StrCat(dir, ": there is no log")
                          : StrCat(dir, ": the log begins at offset ", segments->front(),
                                   "; it cannot be truncated at ", offset));
  }
  // A segment that begins at `offset` is kept only where there is none before it.
  std::vector<uint64_t> kept;
  for (const uint64_t first_offset : *segments) {
    if (kept.empty() || first_offset < offset) kept.push_back(first_offset);
  }
  const absl::StatusOr<uint64_t> position = VerifyKept(file_system, dir, uid, kept, offset);
  if (!position.ok()) return position.status();
  LogTruncation truncation;
  for (size_t i = segments->size(); i > kept.size(); --i) {
    absl::Status status = RemoveSegment(file_system, dir, (*segments)[i - 1], truncation);
    if (!status.ok()) return status;
  }
  absl::Status status =
      CutSegment(file_system, PathOf(dir, kept.back()), offset, *position, truncation);
  if (!status.ok()) return status;
  return truncation;
}

}  // namespace freshet
