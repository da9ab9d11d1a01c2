// Which of the files that are written at their end are open.

#ifndef FRESHET_SERVER_FILE_OPEN_FILES_H_
#define FRESHET_SERVER_FILE_OPEN_FILES_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

namespace freshet {

// Keeps few of a process's files open that are seldom written: each model has one, and most models
// are idle. Where there are more, the one that was used longest ago is closed, and opened again
// when it is written next.
//
// Only what is on disk is closed, so that the errors of a sync come to who asks for it: whoever
// syncs a file that is not open has nothing to wait for.
//
// Thread-safe; outlives its files.
class OpenFiles {
 public:
  struct Limits {
    // So many files stay open.
    size_t kept = 0;
    // So many more as hold bytes that are not on disk stay open. Beyond that, these are synced.
    size_t unsynced = 0;
  };
  class File;

  // `limits` is asked whenever a file is opened or synced.
  explicit OpenFiles(std::function<Limits()> limits) : limits_(std::move(limits)) {}

  OpenFiles(const OpenFiles&) = delete;
  OpenFiles& operator=(const OpenFiles&) = delete;

  size_t open_count() const {
    const absl::MutexLock lock(&mu_);
    return open_count_;
  }

 private:
  // Closes files until there are no more than there may be, or the rest is in use.
  void CloseSome();
  // Takes one that is to be closed into use; null where there is none.
  File* TakeVictim(const Limits& limits) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::function<Limits()> limits_;

  mutable absl::Mutex mu_;
  size_t open_count_ ABSL_GUARDED_BY(mu_) = 0;
  // Those that are open and not in use, by when they were used last.
  std::list<File*> synced_ ABSL_GUARDED_BY(mu_);
  std::list<File*> unsynced_ ABSL_GUARDED_BY(mu_);
};

// One of them. One thread may write while others call Sync().
class OpenFiles::File {
 public:
  // Takes a descriptor that is open for writing. Keeps a reference.
  File(OpenFiles& files, std::string path, int fd);
  // Closes it.
  ~File();

  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // The descriptor, to write with until EndWrite(). Opens the file where it is not open: the error
  // of that, or INTERNAL where it is not as it was when it was closed. The error of a sync where
  // one has failed.
  absl::StatusOr<int> BeginWrite();
  // REQUIRES: BeginWrite() was OK.
  void EndWrite();

  // Makes what was written before the call survive a loss of power. After a failure, fails.
  absl::Status Sync();

 private:
  friend class OpenFiles;

  absl::StatusOr<int> Reopen() const;
  bool is_synced() const { return synced_writes_ == writes_; }
  // Called with the lock of the table.
  void Use();
  void EndUse();
  // Syncs it, while it is in use.
  absl::Status SyncNow();
  // Ends its use, and closes it unless somebody else uses it or it holds bytes that are not on
  // disk.
  void EndUseAndClose();

  OpenFiles& files_;
  const std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;

  // Guarded by the table's lock.
  int fd_;  // -1: it is not open.
  int uses_ = 0;
  bool is_writing_ = false;
  uint64_t writes_ = 1;         // What was in it before may not be on disk.
  uint64_t synced_writes_ = 0;  // All writes up to this one are on disk.
  off_t closed_bytes_ = 0;      // Its size when it was closed.
  absl::Status fault_;          // Of a sync.
  std::list<File*>* list_ = nullptr;
  std::list<File*>::iterator place_;  // In `list_`.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_FILE_OPEN_FILES_H_
