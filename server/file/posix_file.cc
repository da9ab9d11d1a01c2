#include "server/file/posix_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <new>

#include "core/base/str_cat.h"
#include "server/file/file_status.h"

namespace freshet {
namespace {

// Fewer than any system's limit of pieces for one call.
constexpr size_t kPiecesPerWrite = 64;

// Fills `out` with the pieces from `pieces` on that are not empty, as many as fit; the first one
// without its first `skip_bytes` bytes. Returns how many.
size_t FillVector(std::span<const ByteSpan> pieces, size_t skip_bytes,
                  std::span<iovec, kPiecesPerWrite> out) {
  size_t count = 0;
  for (const ByteSpan& piece : pieces) {
    if (count == out.size()) break;
    if (piece.size() > skip_bytes) {
      // writev(2) does not write to what it is given, but its type says so.
      out[count++] = {.iov_base = const_cast<std::byte*>(piece.data()) + skip_bytes,
                      .iov_len = piece.size() - skip_bytes};
    }
    skip_bytes = 0;
  }
  return count;
}

// Of O_DIRECT: a multiple of what any disk or file system in use asks for.
constexpr uint64_t kBlockBytes = 4096;
// Read in one call.
constexpr uint64_t kMaxBlocksBytes = uint64_t{1} << 20;

struct FreeBlocks {
  void operator()(std::byte* blocks) const {
    ::operator delete[](blocks, std::align_val_t{kBlockBytes});
  }
};

absl::StatusOr<uint64_t> FileSizeBytes(const std::string& path, const FileDescriptor& descriptor) {
  struct stat info {};
  if (fstat(descriptor.get(), &info) != 0) return FileReadError(path, "stat", errno);
  return static_cast<uint64_t>(info.st_size);
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) close(fd_);
}

absl::Status PosixAppendFile::Append(std::span<const ByteSpan> pieces) {
  std::array<iovec, kPiecesPerWrite> vector{};
  uint64_t end = size_bytes_;
  size_t written_of_piece = 0;
  while (true) {
    while (!pieces.empty() && written_of_piece >= pieces.front().size()) {
      written_of_piece -= pieces.front().size();
      pieces = pieces.subspan(1);
    }
    if (pieces.empty()) break;
    const size_t count = FillVector(pieces, written_of_piece, vector);
    const ssize_t written =
        pwritev(descriptor_.get(), vector.data(), static_cast<int>(count), static_cast<off_t>(end));
    if (written < 0) {
      if (errno == EINTR) continue;
      return FileError(path_, "write", errno);
    }
    end += static_cast<uint64_t>(written);
    written_of_piece += static_cast<size_t>(written);
  }
  size_bytes_ = end;
  return absl::OkStatus();
}

absl::Status PosixAppendFile::Preallocate(uint64_t bytes) {
  const int result = fallocate(descriptor_.get(), FALLOC_FL_KEEP_SIZE,
                               static_cast<off_t>(size_bytes_), static_cast<off_t>(bytes));
  if (result == 0 || errno == EOPNOTSUPP || errno == ENOSYS) return absl::OkStatus();
  return FileError(path_, "reserve disk space", errno);
}

absl::Status PosixAppendFile::Sync() {
  if (fdatasync(descriptor_.get()) != 0) return FileError(path_, "sync", errno);
  return absl::OkStatus();
}

absl::Status PosixAppendFile::Truncate(uint64_t size_bytes) {
  if (ftruncate(descriptor_.get(), static_cast<off_t>(size_bytes)) != 0) {
    return FileError(path_, "truncate", errno);
  }
  size_bytes_ = size_bytes;
  return absl::OkStatus();
}

absl::StatusOr<size_t> PosixReadFile::ReadAt(uint64_t position, std::span<std::byte> out) const {
  size_t done = 0;
  while (done < out.size()) {
    const ssize_t count = pread(descriptor_.get(), out.data() + done, out.size() - done,
                                static_cast<off_t>(position + done));
    if (count < 0) {
      if (errno == EINTR) continue;
      return FileReadError(path_, "read", errno);
    }
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  return done;
}

absl::StatusOr<uint64_t> PosixReadFile::SizeBytes() const {
  return FileSizeBytes(path_, descriptor_);
}

absl::StatusOr<size_t> PosixDirectReadFile::ReadAt(uint64_t position,
                                                   std::span<std::byte> out) const {
  const uint64_t end = position + out.size();
  const uint64_t blocks_bytes =
      std::min(kMaxBlocksBytes, (out.size() + 2 * kBlockBytes - 1) / kBlockBytes * kBlockBytes);
  const std::unique_ptr<std::byte[], FreeBlocks> blocks(
      new (std::align_val_t{kBlockBytes}, std::nothrow) std::byte[blocks_bytes]);
  if (blocks == nullptr) {
    return absl::ResourceExhaustedError(StrCat(path_, ": no memory to read it from the disk"));
  }
  size_t done = 0;
  while (done < out.size()) {
    const uint64_t skipped = (position + done) % kBlockBytes;
    const uint64_t begin = position + done - skipped;
    const uint64_t wanted = (end - begin + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
    const ssize_t count = pread(descriptor_.get(), blocks.get(), std::min(wanted, blocks_bytes),
                                static_cast<off_t>(begin));
    if (count < 0) {
      if (errno == EINTR) continue;
      return FileReadError(path_, "read", errno);
    }
    if (static_cast<uint64_t>(count) <= skipped) break;  // The end of the file.
    const size_t copied = std::min(static_cast<size_t>(count) - skipped, out.size() - done);
    std::copy_n(blocks.get() + skipped, copied, out.data() + done);
    done += copied;
  }
  return done;
}

absl::StatusOr<uint64_t> PosixDirectReadFile::SizeBytes() const {
  return FileSizeBytes(path_, descriptor_);
}

}  // namespace freshet
