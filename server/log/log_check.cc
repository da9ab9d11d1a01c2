#include "server/log/log_check.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "core/base/str_cat.h"
#include "server/log/log.h"
#include "server/log/log_end.h"
#include "server/log/segment.h"
#include "server/log/segment_scan.h"

namespace freshet {
namespace {

// Reads the records of a log, segment by segment.
class LogChecker {
 public:
  LogChecker(FileSystem& file_system, std::string dir, const LogCheckOptions& options,
             LogSurvey survey)
      : file_system_(file_system),
        dir_(std::move(dir)),
        options_(options),
        survey_(std::move(survey)) {}

  absl::StatusOr<LogCheckReport> Run() {
    report_.strays = std::move(survey_.strays);
    for (LogDamage& damage : survey_.damages) report_.damages.push_back(std::move(damage));
    report_.has_end = survey_.has_end;
    report_.end_problem = survey_.end_problem;
    if (!survey_.segments.empty()) {
      report_.opens_at = survey_.segments[survey_.unbroken_from].first_offset;
    }
    if (survey_.end.has_value()) Reach(survey_.end->next_offset);
    for (SegmentFile& segment : survey_.segments) {
      if (absl::Status status = CheckSegment(segment); !status.ok()) return status;
      report_.segments.push_back(std::move(segment));
    }
    DropDisproved();
    std::stable_sort(report_.damages.begin(), report_.damages.end(),
                     [](const LogDamage& a, const LogDamage& b) { return a.from < b.from; });
    for (const LogDamage& damage : report_.damages) {
      if (damage.from != kNoEnd) Reach(damage.from);
      if (damage.to != kNoEnd) Reach(damage.to);
    }
    return std::move(report_);
  }

 private:
  void Reach(uint64_t offset) { report_.known_end = std::max(report_.known_end, offset); }

  void AddGood(uint64_t offset) {
    std::vector<OffsetRange>& ranges = report_.ranges;
    if (ranges.empty() || ranges.back().end != offset) ranges.push_back({offset, offset});
    ranges.back().end = offset + 1;
    Reach(offset + 1);
  }

  void Visit(const SegmentReader& reader, const LogRecord& record) {
    if (options_.check_record) {
      if (const absl::Status status = options_.check_record(record); !status.ok()) {
        report_.damages.push_back(
            {.path = reader.path(),
             .position = reader.position() - RecordBytes(record.payload.size()),
             .from = record.offset,
             .to = record.offset + 1,
             .reason = StrCat("the record at offset ", record.offset,
                              " cannot be replayed: ", ToStd(status.message()))});
        return;
      }
    }
    AddGood(record.offset);
  }

  absl::Status CheckSegment(SegmentFile& segment) {
    const bool last = segment.next_offset == kNoEnd;
    const absl::StatusOr<std::unique_ptr<SegmentReader>> reader =
        SegmentReader::OpenAs(file_system_, segment.path, options_.uid, segment.first_offset);
    if (!reader.ok()) return reader.status();
    const VisitRecord visit = [&](const LogRecord& record) { Visit(**reader, record); };
    // In the last segment, damage from needed_from on may be an interrupted write, by the same rule
    // by which the server cuts it off. In the other segments no write can have been interrupted.
    uint64_t skip_below = last ? options_.needed_from : kNoEnd;
    while (true) {
      const absl::StatusOr<SegmentScan> scan =
          ScanSegment(**reader, segment.size_bytes, skip_below, visit);
      if (!scan.ok()) return scan.status();
      for (const SegmentGap& gap : scan->gaps) {
        AddRecordDamage(segment, gap.damage, gap.next_offset);
      }
      if (!last) {
        EndSegment(segment, *scan);
        break;
      }
      if (!scan->damage.has_value() || scan->torn) {
        EndLog(segment, *scan);
        break;
      }
      // Good records after the damage tell how far the log had come.
      const absl::StatusOr<bool> skipped = SkipDamage(**reader, segment.size_bytes, kNoEnd);
      if (!skipped.ok()) return skipped.status();
      AddRecordDamage(segment, *scan->damage, *skipped ? (*reader)->offset() : kNoEnd);
      if (!*skipped) break;
      skip_below = kNoEnd;
    }
    segment.next_offset = (*reader)->offset();
    return absl::OkStatus();
  }

  void AddRecordDamage(const SegmentFile& segment, const SegmentDamage& damage, uint64_t to) {
    report_.damages.push_back({.path = segment.path,
                               .position = damage.position,
                               .from = damage.offset,
                               .to = to,
                               .reason = damage.reason});
  }

  // Checks that a segment which is not the last ends where the next one begins.
  void EndSegment(const SegmentFile& segment, const SegmentScan& scan) {
    if (scan.next_offset == segment.next_offset && !scan.damage.has_value()) return;
    // The survey has found a file that is too short, but could not tell which records are missing.
    const auto known =
        std::find_if(report_.damages.begin(), report_.damages.end(), [&](const LogDamage& damage) {
          return damage.path == segment.path && damage.from == segment.first_offset &&
                 damage.to == segment.next_offset && damage.position == segment.size_bytes;
        });
    if (known != report_.damages.end()) {
      known->from = std::min(scan.next_offset, segment.next_offset);
    } else if (scan.damage.has_value()) {
      AddRecordDamage(segment, *scan.damage, std::max(scan.next_offset, segment.next_offset));
    } else {
      report_.damages.push_back({.path = segment.path,
                                 .position = scan.good_bytes,
                                 .from = std::min(scan.next_offset, segment.next_offset),
                                 .to = segment.next_offset,
                                 .reason = "it does not end where the next segment begins"});
    }
  }

  // Checks that the last segment reaches the offset that the log is known to have reached.
  void EndLog(const SegmentFile& segment, const SegmentScan& scan) {
    const uint64_t missing_from = scan.next_offset;
    if (scan.torn) report_.torn_bytes = scan.file_bytes - scan.good_bytes;
    const std::optional<std::string> problem = ProblemOfEnd(
        missing_from, survey_.end, options_.needed_from, options_.needed_from_was_durable);
    if (!problem.has_value()) return;
    report_.damages.push_back({.path = segment.path,
                               .position = scan.good_bytes,
                               .from = missing_from,
                               .to = kNoEnd,
                               .reason = *problem});
  }

  // By the headers alone, a bad file seems to take all records up to the next segment. If another
  // file turned out to have all of them, the bad file is only a stray.
  void DropDisproved() {
    const auto is_there = [&](const LogDamage& damage) {
      return damage.whole_file && damage.from < damage.to &&
             std::any_of(report_.ranges.begin(), report_.ranges.end(),
                         [&](const OffsetRange& range) {
                           return range.begin <= damage.from && damage.to <= range.end;
                         });
    };
    for (const LogDamage& damage : report_.damages) {
      if (!is_there(damage)) continue;
      report_.strays.push_back(damage);
      report_.strays.back().to = damage.from;
    }
    std::erase_if(report_.damages, is_there);
  }

  FileSystem& file_system_;
  const std::string dir_;
  const LogCheckOptions& options_;
  LogSurvey survey_;
  LogCheckReport report_;
};

// Where to cut: the index of the segment that holds the record `offset` or ends before it, and the
// byte at which the record begins.
struct CutPlace {
  size_t index = 0;
  uint64_t position = 0;
};

absl::StatusOr<CutPlace> FindCut(FileSystem& file_system, const LogSurvey& survey, uint64_t uid,
                                 uint64_t needed_from, uint64_t offset) {
  // A segment that begins at `offset` would become empty, so it is kept only if there is none
  // before it.
  size_t index = survey.segments.size() - 1;
  while (index > survey.unbroken_from && survey.segments[index].first_offset >= offset) --index;
  for (size_t i = survey.unbroken_from; i <= index; ++i) {
    const SegmentFile& segment = survey.segments[i];
    if (segment.next_offset < needed_from) continue;
    const absl::StatusOr<std::unique_ptr<SegmentReader>> reader =
        SegmentReader::OpenAs(file_system, segment.path, uid, segment.first_offset);
    if (!reader.ok()) return reader.status();
    const uint64_t end = i < index ? segment.next_offset : offset;
    while ((*reader)->offset() < end) {
      const absl::StatusOr<std::optional<LogRecord>> record = (*reader)->Next(segment.size_bytes);
      if (record.ok() && record->has_value()) continue;
      if (record.ok()) {
        return absl::InvalidArgumentError(StrCat(segment.path, ": the log ends at offset ",
                                                 (*reader)->offset(), "; it can be truncated at ",
                                                 (*reader)->offset(), ", not at ", offset));
      }
      if (!(*reader)->damage().has_value()) return record.status();
      const absl::StatusOr<bool> skipped =
          SkipDamage(**reader, segment.size_bytes, std::min(end, needed_from));
      if (!skipped.ok()) return skipped.status();
      if (!*skipped) return record.status();
    }
    if (i == index) return CutPlace{.index = i, .position = (*reader)->position()};
  }
  return absl::InternalError(StrCat("no segment holds offset ", offset));
}

// Cuts a file off after its first `size_bytes` bytes, and keeps a copy of it.
absl::Status CutFile(FileSystem& file_system, const std::string& path, uint64_t size_bytes,
                     RemovedFiles& removed, LogTruncation& truncation) {
  absl::StatusOr<std::unique_ptr<AppendFile>> file =
      file_system.OpenAppend(path, AppendMode::kExisting);
  if (!file.ok()) return file.status();
  if ((*file)->size_bytes() == size_bytes) return absl::OkStatus();
  if (absl::Status status = removed.Copy(path); !status.ok()) return status;
  truncation.removed_bytes += (*file)->size_bytes() - size_bytes;
  if (absl::Status status = (*file)->Truncate(size_bytes); !status.ok()) return status;
  return (*file)->Sync();
}

}  // namespace

const LogDamage* LogCheckReport::FirstHindering(uint64_t needed_from) const {
  for (const LogDamage& damage : damages) {
    if (damage.hinders(needed_from)) return &damage;
  }
  return nullptr;
}

absl::StatusOr<LogCheckReport> CheckLog(FileSystem& file_system, const std::string& dir,
                                        const LogCheckOptions& options) {
  absl::StatusOr<LogSurvey> survey = SurveyLog(file_system, dir, options.uid, options.moved);
  if (!survey.ok()) return survey.status();
  return LogChecker(file_system, dir, options, *std::move(survey)).Run();
}

absl::StatusOr<LogTruncation> TruncateLog(FileSystem& file_system, const std::string& dir,
                                          uint64_t uid, uint64_t needed_from, uint64_t offset,
                                          RemovedFiles& removed) {
  absl::StatusOr<LogSurvey> survey = SurveyLog(file_system, dir, uid);
  if (!survey.ok()) return survey.status();
  // Damaged files hold only records after `offset` or records that nobody needs. So remove them.
  std::vector<std::string> removed_paths;
  for (const LogDamage& damage : survey->damages) {
    if (damage.whole_file) removed_paths.push_back(damage.path);
  }
  std::vector<SegmentFile>& segments = survey->segments;
  while (!segments.empty() && segments.back().first_offset > offset) {
    removed_paths.push_back(segments.back().path);
    segments.pop_back();
  }
  if (segments.empty()) {
    return absl::InvalidArgumentError(
        StrCat(dir, ": the log has no record before offset ", offset, "; it cannot be truncated"));
  }
  // The first segment after the last gap that is left.
  size_t begin = segments.size() - 1;
  while (begin > 0 && segments[begin - 1].next_offset == segments[begin].first_offset &&
         segments[begin].header.previous_first_offset == segments[begin - 1].first_offset &&
         segments[begin].header.previous_bytes == segments[begin - 1].size_bytes) {
    --begin;
  }
  survey->unbroken_from = begin;
  for (size_t i = 0; i < begin; ++i) removed_paths.push_back(segments[i].path);
  if (offset < segments[begin].first_offset) {
    return absl::InvalidArgumentError(StrCat(dir, ": the log begins at offset ",
                                             segments[begin].first_offset,
                                             "; it cannot be truncated at ", offset));
  }
  const absl::StatusOr<CutPlace> place = FindCut(file_system, *survey, uid, needed_from, offset);
  if (!place.ok()) return place.status();
  for (size_t i = place->index + 1; i < segments.size(); ++i) {
    removed_paths.push_back(segments[i].path);
  }
  // The latest first, so that a loss of power does not leave a gap.
  std::sort(removed_paths.rbegin(), removed_paths.rend());
  const SegmentFile& last = segments[place->index];
  absl::Status status =
      WriteLogEnd(file_system, dir, uid, {.segment = last.first_offset, .next_offset = offset});
  LogTruncation truncation{.next_offset = offset, .removed_bytes = 0};
  for (const std::string& path : removed_paths) {
    if (status.ok()) truncation.removed_bytes += file_system.FileSize(path).value_or(0);
    if (status.ok()) status = removed.Move(path);
  }
  if (status.ok()) {
    status = CutFile(file_system, last.path, place->position, removed, truncation);
  }
  if (!status.ok()) return status;
  return truncation;
}

absl::Status BeginLogAnew(FileSystem& file_system, const std::string& dir, uint64_t uid,
                          uint64_t offset, RemovedFiles& removed) {
  absl::StatusOr<std::vector<DirEntry>> entries = file_system.ListDir(dir);
  if (!entries.ok() && !absl::IsNotFound(entries.status())) return entries.status();
  if (entries.ok()) {
    // The latest first, so that a loss of power does not leave a gap.
    std::reverse(entries->begin(), entries->end());
    for (const DirEntry& entry : *entries) {
      if (entry.name != kLogEndName && !ParseSegmentFileName(entry.name).has_value()) continue;
      absl::Status status = removed.Move(StrCat(dir, "/", entry.name));
      if (!status.ok()) return status;
    }
  }
  return Log::Open(file_system, dir, {.first_offset = offset, .uid = uid}).status();
}

}  // namespace freshet
