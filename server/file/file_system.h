// The few file operations that the log and the snapshots are built on, as an interface, so that
// tests can make each of them fail and can take the power away.
//
// Errors name the path, the operation and the reason. By errno: ENOENT is NOT_FOUND, EEXIST is
// ALREADY_EXISTS; ENOSPC, EDQUOT, EFBIG, EMFILE and ENFILE are RESOURCE_EXHAUSTED; EACCES, EPERM
// and EROFS are PERMISSION_DENIED; EIO is DATA_LOSS when reading and INTERNAL otherwise; all else
// is INTERNAL.
//
// Threads: a FileSystem may be used by many threads at once; the files as each says.

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

// A file that is written at its end. One thread may write while others call Sync().
//
// Need not be open all the time: it may be closed while nobody writes, and is found again by the
// path that it was opened by, which has to lead to it as long as it is written. The error of that
// is the error of what is called.
class AppendFile {
 public:
  // Closes the file; what was not synced may still be lost with the power.
  virtual ~AppendFile() = default;

  // Appends `pieces` one after the other. After a failure any prefix of them may stand at the end
  // of the file, and size_bytes() is what it was before: Truncate() to that to go on.
  virtual absl::Status Append(std::span<const ByteSpan> pieces) = 0;

  // The same for bytes that a Sync() follows at once. Where there are many they go to the disk past
  // the operating system's memory (O_DIRECT), which is to copy them there for a third of the
  // processor's time; the call then waits for the disk.
  virtual absl::Status AppendDirect(std::span<const ByteSpan> pieces) = 0;

  // Asks for disk space for `bytes` bytes behind the end, without changing the size. A file system
  // that cannot do so answers OK.
  virtual absl::Status Preallocate(uint64_t bytes) = 0;

  // Makes what was appended before the call survive a loss of power (fdatasync). After a failure it
  // is not known what of the bytes since the last success is on disk, and a second Sync() that
  // succeeds says nothing about them, nor about others that are written in their place before a
  // Truncate() below them.
  virtual absl::Status Sync() = 0;

  // Cuts the file to `size_bytes` and gives back what was preallocated behind it.
  virtual absl::Status Truncate(uint64_t size_bytes) = 0;

  // The size after the last successful Append() or Truncate(). For the writing thread.
  virtual uint64_t size_bytes() const = 0;
};

// A file that is read at any position, by many threads at once.
class ReadFile {
 public:
  virtual ~ReadFile() = default;

  // Reads up to out.size() bytes from `position`; fewer only at the end of the file.
  virtual absl::StatusOr<size_t> ReadAt(uint64_t position, std::span<std::byte> out) const = 0;

  // The size now.
  virtual absl::StatusOr<uint64_t> SizeBytes() const = 0;
};

// Holds a lock file until destroyed, or until the process ends.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

// What a folder holds.
struct DirEntry {
  std::string name;
  bool is_directory = false;
  bool is_link = false;  // A symbolic link, whatever it leads to.
};

// How OpenAppend() finds the file.
enum class AppendMode {
  kCreate,    // ALREADY_EXISTS where there is one.
  kExisting,  // NOT_FOUND where there is none. Appends behind what the file holds.
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  virtual absl::StatusOr<std::unique_ptr<AppendFile>> OpenAppend(const std::string& path,
                                                                 AppendMode mode) = 0;
  // INVALID_ARGUMENT where it is something else than a regular file; never waits for one.
  virtual absl::StatusOr<std::unique_ptr<ReadFile>> OpenRead(const std::string& path) = 0;

  // The same, but what is read comes from the disk and not from the operating system's memory
  // (O_DIRECT), which may hold bytes that a failed sync did not write. Where the file system cannot
  // do so, that memory is asked to be given up first, which is a hint.
  virtual absl::StatusOr<std::unique_ptr<ReadFile>> OpenReadFromDisk(const std::string& path) = 0;

  // Creates a folder with mode 0700. ALREADY_EXISTS where there is anything of that name.
  virtual absl::Status CreateDir(const std::string& path) = 0;

  // What the folder holds, by name, without "." and "..".
  virtual absl::StatusOr<std::vector<DirEntry>> ListDir(const std::string& path) = 0;

  // Moves `from` to `to`, replacing a file that stands there.
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;

  virtual absl::Status Unlink(const std::string& path) = 0;
  virtual absl::Status RemoveDir(const std::string& path) = 0;

  // Makes the creations, renames and removals in a folder survive a loss of power.
  virtual absl::Status SyncDir(const std::string& path) = 0;

  virtual absl::StatusOr<uint64_t> FileSize(const std::string& path) = 0;

  // When the file was last written, by the clock of its file system.
  virtual absl::StatusOr<absl::Time> ModificationTime(const std::string& path) = 0;

  // Takes the folder that `path` stands in and the lock file at `path`, which is created where
  // there is none, and writes this process's id into it. Whoever removes the file does not get the
  // folder. FAILED_PRECONDITION names the process that holds it, or says that `path` is no file of
  // its own, as a symbolic link is none.
  virtual absl::StatusOr<std::unique_ptr<FileLock>> LockFile(const std::string& path) = 0;

  // Takes the folder alone, as LockFile() does.
  virtual absl::StatusOr<std::unique_ptr<FileLock>> LockFolder(const std::string& path) = 0;

  // Who may do what with a file or folder, as the nine bits of its mode.
  virtual absl::StatusOr<uint32_t> Permissions(const std::string& path) = 0;
};

// The operating system's files. Lives as long as the process.
FileSystem& PosixFileSystem();

}  // namespace freshet

#endif  // FRESHET_SERVER_FILE_FILE_SYSTEM_H_
