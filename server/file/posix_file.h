// The file classes of the operating system's file system.

#ifndef FRESHET_SERVER_FILE_POSIX_FILE_H_
#define FRESHET_SERVER_FILE_POSIX_FILE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/file/file_system.h"
#include "server/file/open_files.h"

namespace freshet {

// Owns a file descriptor.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&&) = delete;
  ~FileDescriptor();

  int get() const { return fd_; }
  // Gives up ownership: the caller closes the descriptor.
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// A file that is appended to through a descriptor, which OpenFiles may close and open again.
class PosixAppendFile : public AppendFile {
 public:
  // Keeps a reference to `files`, which may close the file while nobody uses it.
  PosixAppendFile(OpenFiles& files, std::string path, FileDescriptor descriptor,
                  uint64_t size_bytes)
      : path_(std::move(path)),
        file_(files, path_, descriptor.Release()),
        size_bytes_(size_bytes) {}

  absl::Status Append(std::span<const ByteSpan> pieces) override;
  absl::Status AppendDirect(std::span<const ByteSpan> pieces) override;
  absl::Status Preallocate(uint64_t bytes) override;
  absl::Status Sync() override;
  absl::Status Truncate(uint64_t size_bytes) override;
  uint64_t size_bytes() const override { return size_bytes_; }

 private:
  // Calls `change` with the open file's descriptor.
  template <typename Change>
  absl::Status WhileOpen(const Change& change);
  absl::Status AppendPieces(int fd, std::span<const ByteSpan> pieces);
  absl::Status AppendBlocks(int fd, std::span<const ByteSpan> pieces);
  absl::Status Write(int fd, uint64_t position, ByteSpan bytes);
  absl::Status WriteBlocks(int fd, uint64_t position, ByteSpan blocks);

  const std::string path_;
  OpenFiles::File file_;
  uint64_t size_bytes_;
  bool takes_direct_ = true;  // False once the file system has refused O_DIRECT.
};

class PosixReadFile : public ReadFile {
 public:
  PosixReadFile(std::string path, FileDescriptor descriptor)
      : path_(std::move(path)), descriptor_(std::move(descriptor)) {}

  absl::StatusOr<size_t> ReadAt(uint64_t position, std::span<std::byte> out) const override;
  absl::StatusOr<uint64_t> SizeBytes() const override;

 private:
  const std::string path_;
  const FileDescriptor descriptor_;
};

// A file opened with O_DIRECT, which is read in whole blocks.
class PosixDirectReadFile : public ReadFile {
 public:
  PosixDirectReadFile(std::string path, FileDescriptor descriptor)
      : path_(std::move(path)), descriptor_(std::move(descriptor)) {}

  // RESOURCE_EXHAUSTED if there is no memory for the blocks.
  absl::StatusOr<size_t> ReadAt(uint64_t position, std::span<std::byte> out) const override;
  absl::StatusOr<uint64_t> SizeBytes() const override;

 private:
  const std::string path_;
  const FileDescriptor descriptor_;
};

// A lock by flock(2), which the operating system releases however the process ends.
class PosixFileLock : public FileLock {
 public:
  // The locked folder and, unless its descriptor is -1, the locked file in it.
  explicit PosixFileLock(FileDescriptor folder, FileDescriptor file = FileDescriptor(-1))
      : folder_(std::move(folder)), file_(std::move(file)) {}

 private:
  const FileDescriptor folder_;
  const FileDescriptor file_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_FILE_POSIX_FILE_H_
