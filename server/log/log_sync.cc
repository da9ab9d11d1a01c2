// How a log is made durable, and how it recovers after a failure to do so.

#include <algorithm>
#include <memory>
#include <utility>

#include "core/base/str_cat.h"
#include "server/log/log.h"
#include "server/log/log_end.h"

namespace freshet {

absl::Status Log::FailureLocked() const {
  return absl::FailedPreconditionError(
      StrCat(dir_, ": the end of the log is not trusted and must be recovered first: ",
             ToStd(distrust_.message())));
}

void Log::Distrust(const absl::Status& cause, uint64_t safe_offset) {
  distrusted_safe_offset_ =
      distrust_.ok() ? safe_offset : std::min(distrusted_safe_offset_, safe_offset);
  if (distrust_.ok()) distrust_ = cause;
}

absl::Status Log::Sync() { return SyncFile(index_->next_offset()); }

// Only one thread syncs at a time, because the operating system reports a failed write only once:
// the thread that gets the report distrusts the log for all.
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
    // This is the end of `file`: under mu_, file_ is replaced before the first record is appended
    // to the new file.
    end = index_->End();
  }
  absl::Status status = file->Sync();
  const absl::MutexLock lock(&mu_);
  syncing_ = false;
  sync_done_.SignalAll();
  if (!status.ok()) {
    Distrust(status, durable_.next_offset);
  } else if (file == file_) {
    durable_ = end;
  }
  return status;
}

// Removes segments whose creation was not finished: those that do not have their final name yet,
// and those after the last segment.
absl::Status Log::RemoveUnfinished(uint64_t last_first_offset) {
  const absl::StatusOr<std::vector<DirEntry>> entries = file_system_.ListDir(dir_);
  if (!entries.ok()) return entries.status();
  bool removed = false;
  for (const DirEntry& entry : *entries) {
    const std::string_view name = entry.name;
    const bool temporary =
        name.ends_with(".tmp") && ParseSegmentFileName(name.substr(0, name.size() - 4)).has_value();
    const std::optional<uint64_t> first_offset = ParseSegmentFileName(name);
    if (entry.is_directory) continue;  // A log creates no folders.
    if (!temporary && (!first_offset.has_value() || *first_offset <= last_first_offset)) continue;
    if (absl::Status status = file_system_.Unlink(StrCat(dir_, "/", name)); !status.ok()) {
      return status;
    }
    removed = true;
  }
  return removed ? file_system_.SyncDir(dir_) : absl::OkStatus();
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
  // Before RemoveUnfinished(), because the file END may name a segment that is removed there.
  absl::Status status = WriteLogEnd(file_system_, dir_, options_.uid,
                                    {.segment = first_offset, .next_offset = durable.next_offset});
  if (status.ok()) status = RemoveUnfinished(first_offset);
  if (!status.ok()) return status;
  if (status = file_system_.SyncDir(dir_); !status.ok()) return status;
  const std::string path = PathOf(first_offset);
  absl::StatusOr<std::unique_ptr<AppendFile>> file =
      file_system_.OpenAppend(path, AppendMode::kExisting);
  if (!file.ok()) return file.status();
  if (!tail_.has_value()) {
    absl::StatusOr<LogTail> tail =
        LogTail::Read(file_system_, path, durable, index_->End(), header_.checksum_seed);
    if (!tail.ok()) return tail.status();
    tail_ = *std::move(tail);
  }
  // From here on the file may have fewer records than the index says.
  index_->AbortReaders();
  {
    const absl::MutexLock lock(&mu_);
    Distrust(distrust_, durable.next_offset);
  }
  if (status = tail_->Write(file_system_, path, **file); !status.ok()) return status;

  const SegmentEnd end = tail_->end();
  tail_.reset();
  preallocated_bytes_ = end.bytes;
  index_->SetEnd(end.next_offset, end.bytes);
  const absl::MutexLock lock(&mu_);
  file_ = *std::move(file);
  durable_ = end;
  distrust_ = absl::OkStatus();
  return end.next_offset;
}

}  // namespace freshet
