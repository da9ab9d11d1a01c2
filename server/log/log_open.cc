// How a log is opened: Log::Open() and what it calls.

#include <optional>
#include <span>
#include <utility>

#include "core/base/str_cat.h"
#include "server/file/small_file.h"
#include "server/log/log.h"
#include "server/log/log_end.h"
#include "server/log/segment_scan.h"

namespace freshet {

absl::StatusOr<std::unique_ptr<Log>> Log::Open(FileSystem& file_system, std::string dir,
                                               LogOptions options) {
  std::unique_ptr<Log> log(new Log(file_system, std::move(dir), options));
  if (absl::Status status = log->Load(); !status.ok()) return status;
  return log;
}

absl::Status Log::Load() {
  absl::Status status = file_system_.CreateDir(dir_);
  if (!status.ok() && !absl::IsAlreadyExists(status)) return status;
  // Synced even if they are not new, because a crash may have come between their creation and the
  // sync.
  if (status = file_system_.SyncDir(ParentFolder(dir_)); !status.ok()) return status;
  if (status = file_system_.SyncDir(dir_); !status.ok()) return status;
  absl::StatusOr<LogSurvey> survey = SurveyLog(file_system_, dir_, options_.uid);
  if (!survey.ok()) return survey.status();
  if (status = CheckNeeded(*survey); !status.ok()) return status;
  if (status = RemoveUnfinished(SegmentHeader::kNoPrevious); !status.ok()) return status;
  if (survey->segments.empty()) return CreateFirstSegment(*survey);
  if (status = RemoveObsolete(survey->obsolete); !status.ok()) return status;
  const std::span<const SegmentFile> segments =
      std::span(survey->segments).subspan(survey->unbroken_from);
  for (const SegmentFile& segment : segments) {
    index_->AddSegment({.first_offset = segment.first_offset, .size_bytes = segment.size_bytes});
  }
  header_ = segments.back().header;
  recovery_report_.segment_count = segments.size();
  return LoadLastSegment(segments.back(), *survey);
}

// DATA_LOSS if the headers show damage to what recovery needs. Reports other damage as ignored.
absl::Status Log::CheckNeeded(const LogSurvey& survey) {
  for (const LogDamage& damage : survey.damages) {
    if (damage.hinders(options_.needed_from)) return LogDamageError(damage);
    recovery_report_.ignored.push_back(DescribeDamage(damage));
  }
  for (const LogDamage& stray : survey.strays) {
    recovery_report_.ignored.push_back(DescribeDamage(stray));
  }
  if (!survey.end_problem.empty()) recovery_report_.ignored.push_back(survey.end_problem);
  return absl::OkStatus();
}

absl::Status Log::CreateFirstSegment(const LogSurvey& survey) {
  if (!options_.create) {
    return absl::DataLossError(StrCat(dir_, ": all segments of the log are missing"));
  }
  const SegmentHeader header = FirstSegmentHeader(options_.first_offset, options_.uid);
  const absl::StatusOr<std::shared_ptr<AppendFile>> file = CreateSegment(header);
  if (!file.ok()) return file.status();
  index_->AddSegment({.first_offset = header.first_offset, .size_bytes = kSegmentHeaderBytes});
  header_ = header;
  recovery_report_.segment_count = 1;
  return LoadLastSegment({.path = PathOf(header.first_offset),
                          .first_offset = header.first_offset,
                          .size_bytes = kSegmentHeaderBytes,
                          .header = header},
                         survey);
}

// Removes segments that SkipTo() made obsolete but could not remove, the oldest first. In `paths`
// the newest comes first.
absl::Status Log::RemoveObsolete(std::span<const std::string> paths) {
  for (size_t i = paths.size(); i-- > 0;) {
    absl::Status status = file_system_.Unlink(paths[i]);
    if (!status.ok() && !absl::IsNotFound(status)) return status;
    if (status = file_system_.SyncDir(dir_); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Log::LoadLastSegment(const SegmentFile& last, const LogSurvey& survey) {
  const std::string& path = last.path;
  absl::StatusOr<std::unique_ptr<AppendFile>> file =
      file_system_.OpenAppend(path, AppendMode::kExisting);
  if (!file.ok()) return file.status();
  // After a crash of the process, records may be in the system's memory only; this sync writes them
  // to the disk. After a failed sync it does not, so the records are read from the disk itself.
  if (absl::Status status = (*file)->Sync(); !status.ok()) return status;
  const absl::StatusOr<std::unique_ptr<SegmentReader>> reader =
      SegmentReader::OpenFromDisk(file_system_, path, options_.uid);
  if (!reader.ok()) return reader.status();
  const absl::StatusOr<uint64_t> size = (*reader)->file().SizeBytes();
  if (!size.ok()) return size.status();
  const absl::StatusOr<SegmentScan> scan = ScanSegment(**reader, *size, options_.needed_from);
  if (!scan.ok()) return scan.status();
  for (const SegmentGap& gap : scan->gaps) {
    recovery_report_.ignored.push_back(
        StrCat(path, ": byte ", gap.damage.position, ": ", gap.damage.reason));
  }
  if (scan->damage.has_value() && !scan->torn) return SegmentDamageError(path, *scan->damage);
  const std::optional<std::string> problem = ProblemOfEnd(
      scan->next_offset, survey.end, options_.needed_from, options_.needed_from_was_durable);
  if (problem.has_value()) {
    return LogDamageError({.path = path, .position = scan->good_bytes, .reason = *problem});
  }
  if (scan->damage.has_value()) {
    recovery_report_.cut_bytes = scan->file_bytes - scan->good_bytes;
    recovery_report_.cut_path = path;
    recovery_report_.cut_reason = scan->damage->reason;
  }
  if ((*file)->size_bytes() != scan->good_bytes) {
    absl::Status status = (*file)->Truncate(scan->good_bytes);
    if (status.ok()) status = (*file)->Sync();
    if (!status.ok()) return status;
  }
  const LogEnd end{.segment = last.first_offset, .next_offset = scan->next_offset};
  if (end != survey.end) {
    absl::Status status = WriteLogEnd(file_system_, dir_, options_.uid, end);
    if (!status.ok()) return status;
  }
  recovery_report_.last_segment_records = scan->records;
  index_->SetEnd(scan->next_offset, scan->good_bytes);
  preallocated_bytes_ = scan->good_bytes;
  const absl::MutexLock lock(&mu_);
  file_ = *std::move(file);
  durable_ = {.bytes = scan->good_bytes, .next_offset = scan->next_offset};
  return absl::OkStatus();
}

}  // namespace freshet
