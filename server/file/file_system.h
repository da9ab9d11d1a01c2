// The few file operations that the log and the snapshots are built on. They are an interface so
// that tests can make each of them fail and can simulate a loss of power.
//
// Errors name the path, the operation and the reason. By errno: ENOENT is NOT_FOUND, EEXIST is
// ALREADY_EXISTS; ENOSPC, EDQUOT, EFBIG, EMFILE and ENFILE are RESOURCE_EXHAUSTED; EACCES, EPERM
// and EROFS are PERMISSION_DENIED; EIO is DATA_LOSS when reading and INTERNAL otherwise; everything
// else is INTERNAL.
//
// Threads: a FileSystem may be used by many threads at once; for files, see each class.

#ifndef FRESHET_SERVER_FILE_FILE_SYSTEM_H_
#define FRESHET_SERVER_FILE_FILE_SYSTEM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace freshet {

using ByteSpan = std::span<const std::byte>;

// A file that is only appended to. One thread may write while others call Sync().
//
// The file need not be open all the time: an implementation may close it while nobody writes and
// open it again by its path, which must not change as long as the file is written. If that fails,
// the method that needed the file returns the error.
class AppendFile {
 public:
  // Closes the file without syncing it, so a loss of power may still lose bytes that were not
  // synced.
  virtual ~AppendFile() = default;

  // Appends `pieces` one after the other. After a failure any prefix of them may be at the end of
  // the file, while size_bytes() is unchanged: Truncate() to that size before appending again.
  virtual absl::Status Append(std::span<const ByteSpan> pieces) = 0;

  // The same for bytes that are synced right afterwards. Large writes bypass the page cache
  // (O_DIRECT), which takes a third of the processor time that copying to it would; the call then
  // waits for the disk.
  virtual absl::Status AppendDirect(std::span<const ByteSpan> pieces) = 0;

  // Reserves disk space for `bytes` bytes after the end, without changing the size. Returns OK on a
  // file system that cannot do so.
  virtual absl::Status Preallocate(uint64_t bytes) = 0;

  // Makes what was appended before the call survive a loss of power (fdatasync). After a failure it
  // is unknown which of the bytes since the last successful Sync() are on disk. A later Sync() that
  // succeeds says nothing about these bytes, nor about bytes written over them, unless Truncate()
  // has first cut the file below them.
  virtual absl::Status Sync() = 0;

  // Cuts the file to `size_bytes` and frees the space that was preallocated after it.
  virtual absl::Status Truncate(uint64_t size_bytes) = 0;

  // The size after the last successful Append() or Truncate(). Only for the writing thread.
  virtual uint64_t size_bytes() const = 0;
};

// A file that can be read at any position, by many threads at once.
class ReadFile {
 public:
  virtual ~ReadFile() = default;

  // Reads up to out.size() bytes from `position`; fewer only at the end of the file.
  virtual absl::StatusOr<size_t> ReadAt(uint64_t position, std::span<std::byte> out) const = 0;

  // The size now.
  virtual absl::StatusOr<uint64_t> SizeBytes() const = 0;
};

// Holds a lock until destroyed, or until the process ends.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

// An entry of a folder.
struct DirEntry {
  std::string name;
  bool is_directory = false;
  bool is_link = false;  // A symbolic link, whatever it leads to.
};

// How OpenAppend() finds the file.
enum class AppendMode {
  kCreate,    // ALREADY_EXISTS if the file exists.
  kExisting,  // NOT_FOUND if it does not. Appends after what the file holds.
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  virtual absl::StatusOr<std::unique_ptr<AppendFile>> OpenAppend(const std::string& path,
                                                                 AppendMode mode) = 0;
  // INVALID_ARGUMENT if `path` is not a regular file. Never blocks, as opening a pipe could.
  virtual absl::StatusOr<std::unique_ptr<ReadFile>> OpenRead(const std::string& path) = 0;

  // The same, but reads from the disk and not from the page cache (O_DIRECT), because the cache may
  // hold bytes that a failed sync did not write. On a file system that cannot do so, asks the
  // system to drop the cached pages first, which is only a hint.
  virtual absl::StatusOr<std::unique_ptr<ReadFile>> OpenReadFromDisk(const std::string& path) = 0;

  // Creates a folder with mode 0700. ALREADY_EXISTS if there is anything of that name.
  virtual absl::Status CreateDir(const std::string& path) = 0;

  // The folder's entries, sorted by name, without "." and "..".
  virtual absl::StatusOr<std::vector<DirEntry>> ListDir(const std::string& path) = 0;

  // Moves `from` to `to`, replacing an existing file.
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;

  virtual absl::Status Unlink(const std::string& path) = 0;
  virtual absl::Status RemoveDir(const std::string& path) = 0;

  // Makes the creations, renames and removals in a folder survive a loss of power.
  virtual absl::Status SyncDir(const std::string& path) = 0;

  virtual absl::StatusOr<uint64_t> FileSize(const std::string& path) = 0;

  // When the file was last written, by the clock of its file system.
  virtual absl::StatusOr<absl::Time> ModificationTime(const std::string& path) = 0;

  // Locks both the folder that contains `path` and the lock file at `path`, creating the file if
  // need be, and writes this process's id into the file. Because the folder is locked too, removing
  // the file does not break the lock. FAILED_PRECONDITION names the process that holds the lock, or
  // says that `path` is a link or not a regular file.
  virtual absl::StatusOr<std::unique_ptr<FileLock>> LockFile(const std::string& path) = 0;

  // Locks only the folder, so that it excludes LockFile() in it and the other way round.
  virtual absl::StatusOr<std::unique_ptr<FileLock>> LockFolder(const std::string& path) = 0;

  // The nine permission bits of the mode of a file or folder.
  virtual absl::StatusOr<uint32_t> Permissions(const std::string& path) = 0;
};

// Whether an entry of the folder `dir` is a folder or a link to one. For entries with fixed names,
// such as `models` and `log`, which the server opens by name and so through links.
inline bool LeadsToFolder(FileSystem& file_system, const std::string& dir, const DirEntry& entry) {
  return entry.is_directory || (entry.is_link && file_system.ListDir(dir + "/" + entry.name).ok());
}

// The operating system's files. Lives as long as the process.
FileSystem& PosixFileSystem();

}  // namespace freshet

#endif  // FRESHET_SERVER_FILE_FILE_SYSTEM_H_
