#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <string_view>
#include <utility>

#include "core/base/str_cat.h"
#include "server/file/file_status.h"
#include "server/file/file_system.h"
#include "server/file/open_files.h"
#include "server/file/posix_file.h"
#include "server/file/small_file.h"

namespace freshet {
namespace {

// How many files stay open if the process may have many descriptors. If it may have few, each limit
// is a fraction of them, because connections need descriptors too.
constexpr rlim_t kKeptFiles = 128;
constexpr rlim_t kUnsyncedFiles = 896;
constexpr rlim_t kPartOfDescriptors = 8;

OpenFiles::Limits AppendFileLimits() {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t part = limit.rlim_cur / kPartOfDescriptors;
  return {.kept = std::min(kKeptFiles, part), .unsynced = std::min(kUnsyncedFiles, part)};
}

class PosixFiles : public FileSystem {
 public:
  absl::StatusOr<std::unique_ptr<AppendFile>> OpenAppend(const std::string& path,
                                                         AppendMode mode) override;
  absl::StatusOr<std::unique_ptr<ReadFile>> OpenRead(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<ReadFile>> OpenReadFromDisk(const std::string& path) override;
  absl::Status CreateDir(const std::string& path) override;
  absl::StatusOr<std::vector<DirEntry>> ListDir(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status Unlink(const std::string& path) override;
  absl::Status RemoveDir(const std::string& path) override;
  absl::Status SyncDir(const std::string& path) override;
  absl::StatusOr<uint64_t> FileSize(const std::string& path) override;
  absl::StatusOr<absl::Time> ModificationTime(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<FileLock>> LockFile(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<FileLock>> LockFolder(const std::string& path) override;
  absl::StatusOr<uint32_t> Permissions(const std::string& path) override;

 private:
  OpenFiles append_files_{AppendFileLimits};
};

// The process id that LockFile() wrote, for error messages; "unknown" if it cannot be read.
std::string ReadHolder(const FileDescriptor& descriptor) {
  std::array<char, 32> text{};
  const ssize_t count = pread(descriptor.get(), text.data(), text.size(), 0);
  if (count <= 0) return "unknown";
  std::string_view holder(text.data(), static_cast<size_t>(count));
  holder = holder.substr(0, holder.find('\n'));
  return holder.empty() ? "unknown" : std::string(holder);
}

absl::StatusOr<std::unique_ptr<AppendFile>> PosixFiles::OpenAppend(const std::string& path,
                                                                   AppendMode mode) {
  const int create_flags = mode == AppendMode::kCreate ? O_CREAT | O_EXCL : 0;
  FileDescriptor descriptor(open(path.c_str(), O_WRONLY | O_CLOEXEC | create_flags, 0600));
  if (descriptor.get() < 0) {
    return FileError(path, mode == AppendMode::kCreate ? "create" : "open", errno);
  }
  struct stat info {};
  if (fstat(descriptor.get(), &info) != 0) return FileError(path, "stat", errno);
  return std::make_unique<PosixAppendFile>(append_files_, path, std::move(descriptor),
                                           static_cast<uint64_t>(info.st_size));
}

// Names the kind of a file that can be opened but is not regular, so that it cannot be read from
// any position or has no end.
std::string_view KindOf(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

absl::StatusOr<std::unique_ptr<ReadFile>> PosixFiles::OpenRead(const std::string& path) {
  // O_NONBLOCK, because opening a pipe that nobody writes to would otherwise block for ever.
  FileDescriptor descriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (descriptor.get() < 0) return FileReadError(path, "open", errno);
  struct stat info {};
  if (fstat(descriptor.get(), &info) != 0) return FileReadError(path, "stat", errno);
  if (!S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError(
        StrCat(path, ": is ", KindOf(info.st_mode), "; name a regular file"));
  }
  return std::make_unique<PosixReadFile>(path, std::move(descriptor));
}

absl::StatusOr<std::unique_ptr<ReadFile>> PosixFiles::OpenReadFromDisk(const std::string& path) {
  FileDescriptor descriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT));
  if (descriptor.get() < 0 && errno != EINVAL) return FileReadError(path, "open", errno);
  if (descriptor.get() >= 0) {
    auto file = std::make_unique<PosixDirectReadFile>(path, std::move(descriptor));
    // Some file systems accept O_DIRECT when a file is opened and refuse the read.
    std::byte first{};
    if (file->ReadAt(0, {&first, 1}).ok()) return file;
  }
  FileDescriptor cached(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (cached.get() < 0) return FileReadError(path, "open", errno);
  posix_fadvise(cached.get(), 0, 0, POSIX_FADV_DONTNEED);
  return std::make_unique<PosixReadFile>(path, std::move(cached));
}

absl::Status PosixFiles::CreateDir(const std::string& path) {
  if (mkdir(path.c_str(), 0700) != 0) return FileError(path, "create the folder", errno);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<DirEntry>> PosixFiles::ListDir(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(path.c_str()), &closedir);
  if (dir == nullptr) return FileReadError(path, "list the folder", errno);
  std::vector<DirEntry> entries;
  while (true) {
    errno = 0;
    const dirent* entry = readdir(dir.get());
    if (entry == nullptr) break;
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    struct stat info {};
    if (fstatat(dirfd(dir.get()), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) continue;  // Removed meanwhile.
      return FileReadError(StrCat(path, "/", name), "stat", errno);
    }
    entries.push_back(
        {.name = name, .is_directory = S_ISDIR(info.st_mode), .is_link = S_ISLNK(info.st_mode)});
  }
  if (errno != 0) return FileReadError(path, "list the folder", errno);
  std::sort(entries.begin(), entries.end(),
            [](const DirEntry& a, const DirEntry& b) { return a.name < b.name; });
  return entries;
}

absl::Status PosixFiles::Rename(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) != 0) {
    return FileError(from, StrCat("rename to ", to), errno);
  }
  return absl::OkStatus();
}

absl::Status PosixFiles::Unlink(const std::string& path) {
  if (unlink(path.c_str()) != 0) return FileError(path, "remove", errno);
  return absl::OkStatus();
}

absl::Status PosixFiles::RemoveDir(const std::string& path) {
  if (rmdir(path.c_str()) != 0) return FileError(path, "remove the folder", errno);
  return absl::OkStatus();
}

absl::Status PosixFiles::SyncDir(const std::string& path) {
  const FileDescriptor descriptor(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.get() < 0) return FileError(path, "open the folder", errno);
  if (fsync(descriptor.get()) != 0) return FileError(path, "sync the folder", errno);
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> PosixFiles::FileSize(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return FileReadError(path, "stat", errno);
  return static_cast<uint64_t>(info.st_size);
}

absl::StatusOr<absl::Time> PosixFiles::ModificationTime(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return FileReadError(path, "stat", errno);
  return absl::TimeFromTimespec(info.st_mtim);
}

// Locks a folder itself, so that the lock cannot be broken by removing a file. On file systems that
// cannot lock folders, such as some network file systems, returns the descriptor without a lock.
absl::StatusOr<FileDescriptor> LockedFolder(const std::string& path) {
  FileDescriptor folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return FileError(path, "open the folder", errno);
  if (flock(folder.get(), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return folder;
  return absl::FailedPreconditionError(StrCat(path, " is held by another process"));
}

// Opens a lock file. Refuses links and special files, so that writing the process id cannot change
// any other file.
absl::StatusOr<FileDescriptor> OpenLockFile(const std::string& path) {
  FileDescriptor descriptor(
      open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  if (descriptor.get() < 0 && errno == ELOOP) {
    return absl::FailedPreconditionError(
        StrCat(path, " is a symbolic link, which a lock must not be; remove it"));
  }
  if (descriptor.get() < 0) return FileError(path, "open", errno);
  struct stat info {};
  if (fstat(descriptor.get(), &info) != 0) return FileError(path, "stat", errno);
  if (!S_ISREG(info.st_mode) || info.st_nlink != 1) {
    return absl::FailedPreconditionError(StrCat(
        path, " has a second name or is not a regular file, which a lock must not be; remove it"));
  }
  return descriptor;
}

absl::StatusOr<std::unique_ptr<FileLock>> PosixFiles::LockFolder(const std::string& path) {
  absl::StatusOr<FileDescriptor> folder = LockedFolder(path);
  if (!folder.ok()) return folder.status();
  return std::make_unique<PosixFileLock>(*std::move(folder));
}

absl::StatusOr<std::unique_ptr<FileLock>> PosixFiles::LockFile(const std::string& path) {
  absl::StatusOr<FileDescriptor> folder = LockedFolder(ParentFolder(path));
  if (!folder.ok() && !absl::IsFailedPrecondition(folder.status())) return folder.status();
  absl::StatusOr<FileDescriptor> file = OpenLockFile(path);
  if (!file.ok()) return file.status();
  if (!folder.ok()) {
    return absl::FailedPreconditionError(StrCat(path, " is held by process ", ReadHolder(*file)));
  }
  if (flock(file->get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return FileError(path, "lock", errno);
    return absl::FailedPreconditionError(StrCat(path, " is held by process ", ReadHolder(*file)));
  }
  const std::string holder = StrCat(getpid(), "\n");
  if (ftruncate(file->get(), 0) != 0 ||
      pwrite(file->get(), holder.data(), holder.size(), 0) != static_cast<ssize_t>(holder.size())) {
    return FileError(path, "write", errno);
  }
  return std::make_unique<PosixFileLock>(*std::move(folder), *std::move(file));
}

absl::StatusOr<uint32_t> PosixFiles::Permissions(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return FileReadError(path, "stat", errno);
  return info.st_mode & (S_IRWXU | S_IRWXG | S_IRWXO);
}

}  // namespace

FileSystem& PosixFileSystem() {
  static auto* const kFiles = new PosixFiles;  // Never destroyed: files may be open until the
                                               // process ends.
  return *kFiles;
}

}  // namespace freshet
