#include "server/file/open_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/base/str_cat.h"
#include "server/file/file_status.h"

namespace freshet {

OpenFiles::File* OpenFiles::TakeVictim(const Limits& limits) {
  const bool is_crowded = open_count_ > limits.kept + limits.unsynced;
  if (open_count_ <= limits.kept || (synced_.empty() && !is_crowded)) return nullptr;
  const std::list<File*>& candidates = synced_.empty() ? unsynced_ : synced_;
  if (candidates.empty()) return nullptr;
  File* const victim = candidates.front();
  victim->Use();
  return victim;
}

void OpenFiles::CloseSome() {
  const Limits limits = limits_();
  while (true) {
    File* victim = nullptr;
    bool is_synced = false;
    {
      const absl::MutexLock lock(&mu_);
      victim = TakeVictim(limits);
      if (victim == nullptr) return;
      is_synced = victim->is_synced();
    }
    // A failure is kept and reported by the next Sync().
    if (!is_synced) victim->SyncNow().IgnoreError();
    victim->EndUseAndClose();
  }
}

OpenFiles::File::File(OpenFiles& files, std::string path, int fd)
    : files_(files), path_(std::move(path)), fd_(fd) {
  struct stat info {};
  fstat(fd, &info);
  device_ = info.st_dev;
  inode_ = info.st_ino;
  {
    const absl::MutexLock lock(&files_.mu_);
    ++files_.open_count_;
    Use();
    EndUse();
  }
  files_.CloseSome();
}

OpenFiles::File::~File() {
  const absl::MutexLock lock(&files_.mu_);
  // Another thread may be closing the file.
  const auto is_unused = [this] { return uses_ == 0; };
  files_.mu_.Await(absl::Condition(&is_unused));
  if (fd_ < 0) return;
  Use();
  close(fd_);
  --files_.open_count_;
}

void OpenFiles::File::Use() {
  if (list_ != nullptr) list_->erase(place_);
  list_ = nullptr;
  ++uses_;
}

void OpenFiles::File::EndUse() {
  if (--uses_ > 0 || fd_ < 0 || !fault_.ok()) return;
  list_ = is_synced() ? &files_.synced_ : &files_.unsynced_;
  place_ = list_->insert(list_->end(), this);
}

absl::StatusOr<int> OpenFiles::File::Reopen() const {
  const int fd = open(path_.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return FileError(path_, "open", errno);
  struct stat info {};
  if (fstat(fd, &info) == 0 && info.st_dev == device_ && info.st_ino == inode_ &&
      info.st_size == closed_bytes_) {
    return fd;
  }
  close(fd);
  return absl::InternalError(StrCat(path_, ": another program has changed or replaced it; it had ",
                                    closed_bytes_,
                                    " bytes; only freshetd may write to its data folder"));
}

absl::StatusOr<int> OpenFiles::File::BeginWrite() {
  {
    const absl::MutexLock lock(&files_.mu_);
    if (!fault_.ok()) return fault_;
    if (fd_ >= 0) {
      Use();
      ++writes_;
      is_writing_ = true;
      return fd_;
    }
  }
  // No lock is needed here: only the writing thread opens the file, and a closed file is not closed
  // again.
  absl::StatusOr<int> fd = Reopen();
  if (!fd.ok()) return fd;
  {
    const absl::MutexLock lock(&files_.mu_);
    fd_ = *fd;
    ++files_.open_count_;
    Use();
    ++writes_;
    is_writing_ = true;
  }
  files_.CloseSome();
  return fd;
}

void OpenFiles::File::EndWrite() {
  const absl::MutexLock lock(&files_.mu_);
  is_writing_ = false;
  EndUse();
}

absl::Status OpenFiles::File::SyncNow() {
  int fd = -1;
  uint64_t target = 0;
  {
    const absl::MutexLock lock(&files_.mu_);
    fd = fd_;
    target = is_writing_ ? writes_ - 1 : writes_;
  }
  const int error = fdatasync(fd) == 0 ? 0 : errno;
  const absl::MutexLock lock(&files_.mu_);
  if (error != 0 && fault_.ok()) fault_ = FileError(path_, "sync", error);
  if (fault_.ok()) synced_writes_ = std::max(synced_writes_, target);
  return fault_;
}

absl::Status OpenFiles::File::Sync() {
  {
    const absl::MutexLock lock(&files_.mu_);
    if (!fault_.ok() || fd_ < 0) return fault_;
    Use();
  }
  absl::Status status = SyncNow();
  {
    const absl::MutexLock lock(&files_.mu_);
    EndUse();
  }
  files_.CloseSome();  // The file may now be one that can be closed.
  return status;
}

void OpenFiles::File::EndUseAndClose() {
  int closed = -1;
  {
    const absl::MutexLock lock(&files_.mu_);
    if (uses_ == 1 && is_synced() && fault_.ok()) {
      struct stat info {};
      fstat(fd_, &info);
      closed_bytes_ = info.st_size;
      closed = std::exchange(fd_, -1);
      --files_.open_count_;
    }
    EndUse();
  }
  if (closed >= 0) close(closed);
}

}  // namespace freshet
