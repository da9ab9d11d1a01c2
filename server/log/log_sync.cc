// How a log is made durable, and how it recovers where that failed.

#include <algorithm>
#include <memory>
#include <new>
#include <utility>

#include "core/base/str_cat.h"
#include "server/log/log.h"
#include "server/log/segment_scan.h"

namespace freshet {
namespace {

constexpr uint64_t kCopyBytes = uint64_t{1} << 20;

// Writes the bytes of `file` from `begin` to `end` over themselves, so that the operating system
// takes them for unwritten again.
absl::Status WriteOverItself(const ReadFile& source, AppendFile& file, uint64_t begin,
                             uint64_t end) {
  const auto buffer = std::make_unique<std::byte[]>(kCopyBytes);
  while (begin < end) {
    const uint64_t wanted = std::min(kCopyBytes, end - begin);
    const absl::StatusOr<size_t> count = source.ReadAt(begin, {buffer.get(), wanted});
    if (!count.ok()) return count.status();
    if (*count == 0) return absl::DataLossError("the log became shorter while it was recovered");
    if (absl::Status status = file.Overwrite(begin, {buffer.get(), *count}); !status.ok()) {
      return status;
    }
    begin += *count;
  }
  return absl::OkStatus();
}

// Where the good records behind `from` end.
absl::StatusOr<SegmentEnd> FindEnd(SegmentReader& reader, SegmentEnd from) {
  reader.Seek(from.bytes, from.next_offset);
  const absl::StatusOr<SegmentScan> scan = ScanSegment(reader);
  if (!scan.ok()) return scan.status();
  return SegmentEnd{.bytes = scan->good_bytes, .next_offset = scan->next_offset};
}

}  // namespace

absl::Status Log::FailureLocked() const {
  return absl::FailedPreconditionError(
      StrCat(dir_, ": the end of the log is not trusted and must be recovered first, since: ",
             ToStd(distrust_.message())));
}

void Log::Distrust(const absl::Status& cause) {
  if (distrust_.ok()) distrust_ = cause;
}

absl::Status Log::Sync() { return SyncFile(index_->next_offset()); }

// One thread syncs at a time: the operating system tells of a failed write once, and whoever is
// told must speak for all.
absl::Status Log::SyncFile(std::optional<uint64_t> target) {
  std::shared_ptr<AppendFile> file;
  SegmentEnd end;
  {
    const absl::MutexLock lock(&mu_);
    const auto is_done = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
      return target.has_value() && durable_.next_offset >= *target;
    };
    while (syncing_ && !is_done()) sync_done_.Wait(&mu_);
    if (!distrust_.ok()) return FailureLocked();
    if (is_done()) return absl::OkStatus();
    syncing_ = true;
    file = file_;
    // Of this file, since file_ is replaced under mu_ before its first record is appended.
    end = index_->End();
  }
  absl::Status status = file->Sync();
  const absl::MutexLock lock(&mu_);
  syncing_ = false;
  sync_done_.SignalAll();
  if (!status.ok()) {
    Distrust(status);
  } else if (file == file_) {
    durable_ = end;
  }
  return status;
}

// Removes the segments that were being created: those without their name yet, and those behind the
// last one.
absl::Status Log::RemoveUnfinished(uint64_t last_first_offset) {
  const absl::StatusOr<std::vector<DirEntry>> entries = file_system_.ListDir(dir_);
  if (!entries.ok()) return entries.status();
  bool removed = false;
  for (const DirEntry& entry : *entries) {
    const std::string_view name = entry.name;
    const bool temporary =
        name.ends_with(".tmp") && ParseSegmentFileName(name.substr(0, name.size() - 4)).has_value();
    const std::optional<uint64_t> first_offset = ParseSegmentFileName(name);
    if (!temporary && (!first_offset.has_value() || *first_offset <= last_first_offset)) continue;
    if (absl::Status status = file_system_.Unlink(StrCat(dir_, "/", name)); !status.ok()) {
      return status;
    }
    removed = true;
  }
  return removed ? file_system_.SyncDir(dir_) : absl::OkStatus();
}

// Writes the records behind `durable` once more, syncs them, and reads them back from the disk.
// Returns where the good ones end; the file then ends there too, durably.
absl::StatusOr<SegmentEnd> Log::RewriteTail(const std::string& path, AppendFile& file,
                                            SegmentEnd durable) {
  const absl::StatusOr<std::unique_ptr<SegmentReader>> reader =
      SegmentReader::Open(file_system_, path);
  if (!reader.ok()) return reader.status();
  header_ = (*reader)->header();
  const absl::StatusOr<SegmentEnd> readable = FindEnd(**reader, durable);
  if (!readable.ok()) return readable.status();
  absl::Status status = WriteOverItself((*reader)->file(), file, durable.bytes, readable->bytes);
  if (status.ok()) status = file.Truncate(readable->bytes);
  if (status.ok()) status = file.Sync();
  if (!status.ok()) return status;

  (*reader)->file().DropCache();
  absl::StatusOr<SegmentEnd> on_disk = FindEnd(**reader, durable);
  if (!on_disk.ok() || on_disk->bytes == readable->bytes) return on_disk;
  status = file.Truncate(on_disk->bytes);
  if (status.ok()) status = file.Sync();
  if (!status.ok()) return status;
  return on_disk;
}

absl::StatusOr<uint64_t> Log::Recover() {
  SegmentEnd durable;
  {
    const absl::MutexLock lock(&mu_);
    while (syncing_) sync_done_.Wait(&mu_);
    if (distrust_.ok()) return index_->next_offset();
    durable = durable_;
  }
  const uint64_t first_offset = index_->last().first_offset;
  if (absl::Status status = RemoveUnfinished(first_offset); !status.ok()) return status;
  if (absl::Status status = file_system_.SyncDir(dir_); !status.ok()) return status;
  const std::string path = PathOf(first_offset);
  absl::StatusOr<std::unique_ptr<AppendFile>> file =
      file_system_.OpenAppend(path, AppendMode::kExisting);
  if (!file.ok()) return file.status();
  const absl::StatusOr<SegmentEnd> end = RewriteTail(path, **file, durable);
  if (!end.ok()) return end.status();

  preallocated_bytes_ = end->bytes;
  const absl::MutexLock lock(&mu_);
  if (end->next_offset < index_->next_offset()) {
    index_->CutEnd(end->next_offset, end->bytes);
  } else {
    index_->SetEnd(end->next_offset, end->bytes);
  }
  file_ = *std::move(file);
  durable_ = *end;
  distrust_ = absl::OkStatus();
  return end->next_offset;
}

}  // namespace freshet
