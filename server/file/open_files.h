// Limits how many files that are being appended to are open at the same time.

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

// Each model has such a file, and most models are idle, so only some of these files stay open.
// Beyond the limit the least recently used file is closed; the next write opens it again.
//
// A file is closed only when all its bytes are on disk, so that a sync error always reaches the
// caller of Sync(): for a file that is not open, Sync() has nothing to do.
//
// Thread-safe. Must outlive its files.
class OpenFiles {
 public:
  struct Limits {
    // How many files stay open.
    size_t kept = 0;
    // How many more stay open if they hold bytes that are not on disk yet. Beyond that, files are
    // synced and closed.
    size_t unsynced = 0;
  };
  class File;

  // `limits` is called whenever a file is opened or synced.
  explicit OpenFiles(std::function<Limits()> limits) : limits_(std::move(limits)) {}

  OpenFiles(const OpenFiles&) = delete;
  OpenFiles& operator=(const OpenFiles&) = delete;

  size_t open_count() const {
    const absl::MutexLock lock(&mu_);
    return open_count_;
  }

 private:
  // Closes files until the limits are met or all open files are in use.
  void CloseSome();
  // Marks the next file to close as in use and returns it; null if there is none to close.
  File* TakeVictim(const Limits& limits) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::function<Limits()> limits_;

  mutable absl::Mutex mu_;
  size_t open_count_ ABSL_GUARDED_BY(mu_) = 0;
  // Files that are open and not in use, least recently used first.
  std::list<File*> synced_ ABSL_GUARDED_BY(mu_);
  std::list<File*> unsynced_ ABSL_GUARDED_BY(mu_);
};

// One of the files. One thread may write while others call Sync().
class OpenFiles::File {
 public:
  // Takes ownership of `fd`, which is open for writing. Keeps a reference to `files`.
  File(OpenFiles& files, std::string path, int fd);
  // Closes the file.
  ~File();

  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // Returns the descriptor, which may be used for writing until EndWrite(). Opens the file if it is
  // closed and returns the error of that, or INTERNAL if the file has changed since it was closed.
  // If a sync has failed, returns the error of that sync.
  absl::StatusOr<int> BeginWrite();
  // REQUIRES: BeginWrite() returned OK.
  void EndWrite();

  // Makes everything that was written before the call survive a loss of power. Once it has failed,
  // it fails for ever.
  absl::Status Sync();

 private:
  friend class OpenFiles;

  absl::StatusOr<int> Reopen() const;
  bool is_synced() const { return synced_writes_ == writes_; }
  // Mark the file as in use and no longer in use. REQUIRES: files_.mu_ is held.
  void Use();
  void EndUse();
  // Syncs the file. REQUIRES: the file is in use.
  absl::Status SyncNow();
  // Ends the use of the file, and closes it unless another thread uses it or it holds bytes that
  // are not on disk.
  void EndUseAndClose();

  OpenFiles& files_;
  const std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;

  // Guarded by files_.mu_.
  int fd_;  // -1: closed.
  int uses_ = 0;
  bool is_writing_ = false;
  uint64_t writes_ = 1;         // Not 0: what the file held when it was opened may not be on disk.
  uint64_t synced_writes_ = 0;  // Writes up to this one are on disk.
  off_t closed_bytes_ = 0;      // The file's size when it was closed.
  absl::Status fault_;          // The first error of a sync.
  std::list<File*>* list_ = nullptr;
  std::list<File*>::iterator place_;  // The file's entry in `list_`.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_FILE_OPEN_FILES_H_
