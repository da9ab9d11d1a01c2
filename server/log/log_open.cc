// How a log is opened: Log::Open() and what it calls.

#include <optional>
#include <utility>

#include "core/base/str_cat.h"
#include "server/file/small_file.h"
#include "server/log/log.h"
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
  // Also where they are not new: a crash may have come between their creation and the sync.
  if (status = file_system_.SyncDir(ParentFolder(dir_)); !status.ok()) return status;
  if (status = file_system_.SyncDir(dir_); !status.ok()) return status;
  absl::StatusOr<std::vector<uint64_t>> segments = ListSegments(file_system_, dir_);
  if (!segments.ok()) return segments.status();
  if (status = RemoveUnfinished(SegmentHeader::kNoPrevious); !status.ok()) return status;
  if (segments->empty()) {
    const absl::StatusOr<std::shared_ptr<AppendFile>> file =
        CreateSegment(FirstSegmentHeader(options_.first_offset, options_.uid));
    if (!file.ok()) return file.status();
    segments->push_back(options_.first_offset);
  }
  if (status = RemoveObsolete(*segments); !status.ok()) return status;
  if (status = LoadHeaders(*segments); !status.ok()) return status;
  return LoadLastSegment(PathOf(segments->back()));
}

// Removes the segments before the last one that says that the log begins with it: SkipTo() made
// them obsolete and could not remove them all.
absl::Status Log::RemoveObsolete(std::vector<uint64_t>& segments) {
  size_t begin = segments.size();
  while (begin > 0) {
    --begin;
    const absl::StatusOr<std::unique_ptr<SegmentReader>> reader =
        SegmentReader::Open(file_system_, PathOf(segments[begin]), options_.uid);
    if (!reader.ok()) return reader.status();
    if ((*reader)->header().previous_first_offset == SegmentHeader::kNoPrevious) break;
  }
  for (size_t i = 0; i < begin; ++i) {
    absl::Status status = file_system_.Unlink(PathOf(segments[i]));
    if (!status.ok() && !absl::IsNotFound(status)) return status;
    if (status = file_system_.SyncDir(dir_); !status.ok()) return status;
  }
  segments.erase(segments.begin(), segments.begin() + static_cast<std::ptrdiff_t>(begin));
  return absl::OkStatus();
}

absl::Status Log::LoadHeaders(std::span<const uint64_t> segments) {
  std::optional<SegmentInfo> previous;
  for (const uint64_t first_offset : segments) {
    const std::string path = PathOf(first_offset);
    const absl::StatusOr<std::unique_ptr<SegmentReader>> reader =
        SegmentReader::Open(file_system_, path, options_.uid);
    if (!reader.ok()) return reader.status();
    const absl::StatusOr<uint64_t> size = (*reader)->file().SizeBytes();
    if (!size.ok()) return size.status();
    header_ = (*reader)->header();
    if (previous.has_value()) {
      absl::Status status =
          CheckFollows(path, header_, previous->first_offset, previous->size_bytes);
      if (!status.ok()) return status;
    }
    previous = SegmentInfo{.first_offset = first_offset, .size_bytes = *size};
    index_->AddSegment(*previous);
  }
  recovery_report_.segment_count = segments.size();
  return absl::OkStatus();
}

absl::Status Log::LoadLastSegment(const std::string& path) {
  absl::StatusOr<std::unique_ptr<AppendFile>> file =
      file_system_.OpenAppend(path, AppendMode::kExisting);
  if (!file.ok()) return file.status();
  // What a crash left in memory goes to the disk. What a failed sync left there alone does not, so
  // the records are read from the disk itself.
  if (absl::Status status = (*file)->Sync(); !status.ok()) return status;
  const absl::StatusOr<std::unique_ptr<SegmentReader>> reader =
      SegmentReader::OpenFromDisk(file_system_, path, options_.uid);
  if (!reader.ok()) return reader.status();
  const absl::StatusOr<SegmentScan> scan = ScanSegment(**reader);
  if (!scan.ok()) return scan.status();
  if (scan->damage.has_value()) {
    if (!scan->torn) return SegmentDamageError(path, *scan->damage);
    recovery_report_.cut_bytes = scan->file_bytes - scan->good_bytes;
    recovery_report_.cut_path = path;
    recovery_report_.cut_reason = scan->damage->reason;
  }
  if ((*file)->size_bytes() != scan->good_bytes) {
    absl::Status status = (*file)->Truncate(scan->good_bytes);
    if (status.ok()) status = (*file)->Sync();
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
