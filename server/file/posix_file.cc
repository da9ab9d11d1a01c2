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
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/cleanup/cleanup.h"
#include "absl/synchronization/mutex.h"
#include "core/base/str_cat.h"
#include "server/file/file_status.h"

namespace freshet {
namespace {

// Below IOV_MAX on every system.
constexpr size_t kPiecesPerWrite = 64;

// Fills `out` with as many non-empty pieces as fit, skipping the first `skip_bytes` bytes of the
// first piece. Returns how many entries of `out` are set.
size_t FillVector(std::span<const ByteSpan> pieces, size_t skip_bytes,
                  std::span<iovec, kPiecesPerWrite> out) {
  size_t count = 0;
  for (const ByteSpan& piece : pieces) {
    if (count == out.size()) break;
    if (piece.size() > skip_bytes) {
      // writev(2) does not write to the pieces, but its parameter type is not const.
      out[count++] = {.iov_base = const_cast<std::byte*>(piece.data()) + skip_bytes,
                      .iov_len = piece.size() - skip_bytes};
    }
    skip_bytes = 0;
  }
  return count;
}

// Alignment for O_DIRECT: a multiple of what any disk or file system in use requires.
constexpr uint64_t kBlockBytes = 4096;
// Most bytes to read or write in one call. Writes are larger so that they keep the disk busy.
constexpr uint64_t kMaxReadBytes = uint64_t{1} << 20;
constexpr uint64_t kMaxDirectBytes = uint64_t{4} << 20;

// Shorter writes do not use O_DIRECT, because waiting for the disk takes longer than copying.
constexpr uint64_t kMinDirectBytes = uint64_t{256} << 10;

struct FreeBlocks {
  void operator()(std::byte* blocks) const {
    ::operator delete[](blocks, std::align_val_t{kBlockBytes});
  }
};
using Blocks = std::unique_ptr<std::byte[], FreeBlocks>;

// Null if there is no memory.
Blocks AllocateBlocks(uint64_t bytes) {
  return Blocks(new (std::align_val_t{kBlockBytes}, std::nothrow) std::byte[bytes]);
}

// Buffers of kMaxDirectBytes for direct writes. They are kept because touching fresh memory costs
// as much as the whole rest of a write. Keeps as many as there have been writes at the same time,
// and hands out the one used last, which is warmest in the cache. Thread-safe.
class WriteBlocksPool {
 public:
  // Null if there is no memory.
  Blocks Take() {
    {
      const absl::MutexLock lock(&mu_);
      if (!free_.empty()) {
        Blocks blocks = std::move(free_.back());
        free_.pop_back();
        return blocks;
      }
    }
    return AllocateBlocks(kMaxDirectBytes);
  }
  void GiveBack(Blocks blocks) {
    const absl::MutexLock lock(&mu_);
    free_.push_back(std::move(blocks));
  }

 private:
  absl::Mutex mu_;
  std::vector<Blocks> free_ ABSL_GUARDED_BY(mu_);
};

WriteBlocksPool& WriteBlocksOfProcess() {
  static auto* const kPool = new WriteBlocksPool;
  return *kPool;
}

// Copies the next out.size() bytes of `pieces` to `out`, starting `skip_bytes` into the first
// piece, and moves `pieces` and `skip_bytes` past them. REQUIRES: `pieces` has that many bytes.
void TakeBytes(std::span<const ByteSpan>& pieces, size_t& skip_bytes, std::span<std::byte> out) {
  while (!out.empty()) {
    const ByteSpan left = pieces.front().subspan(skip_bytes);
    const size_t count = std::min(left.size(), out.size());
    std::copy_n(left.begin(), count, out.begin());
    out = out.subspan(count);
    skip_bytes += count;
    if (skip_bytes < pieces.front().size()) return;
    pieces = pieces.subspan(1);
    skip_bytes = 0;
  }
}

absl::StatusOr<uint64_t> FileSizeBytes(const std::string& path, const FileDescriptor& descriptor) {
  struct stat info {};
  if (fstat(descriptor.get(), &info) != 0) return FileReadError(path, "stat", errno);
  return static_cast<uint64_t>(info.st_size);
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) close(fd_);
}

template <typename Change>
absl::Status PosixAppendFile::WhileOpen(const Change& change) {
  const absl::StatusOr<int> fd = file_.BeginWrite();
  if (!fd.ok()) return fd.status();
  absl::Status status = change(*fd);
  file_.EndWrite();
  return status;
}

absl::Status PosixAppendFile::AppendPieces(int fd, std::span<const ByteSpan> pieces) {
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
        pwritev(fd, vector.data(), static_cast<int>(count), static_cast<off_t>(end));
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

absl::Status PosixAppendFile::Write(int fd, uint64_t position, ByteSpan bytes) {
  while (!bytes.empty()) {
    const ssize_t written = pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(position));
    if (written < 0) {
      if (errno == EINTR) continue;
      return FileError(path_, "write", errno);
    }
    position += static_cast<uint64_t>(written);
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

// REQUIRES: `position`, the size and the address of `blocks` are multiples of kBlockBytes.
absl::Status PosixAppendFile::WriteBlocks(int fd, uint64_t position, ByteSpan blocks) {
  takes_direct_ = takes_direct_ && fcntl(fd, F_SETFL, O_DIRECT) == 0;
  if (!takes_direct_) return Write(fd, position, blocks);
  ssize_t written = -1;
  do {
    written = pwrite(fd, blocks.data(), blocks.size(), static_cast<off_t>(position));
  } while (written < 0 && errno == EINTR);
  const int error = written < 0 ? errno : 0;
  fcntl(fd, F_SETFL, 0);
  if (error == EINVAL) takes_direct_ = false;
  if (error != 0 && error != EINVAL) return FileError(path_, "write", error);
  // After a short write, writing the rest reports the error.
  const auto done = static_cast<size_t>(std::max<ssize_t>(written, 0));
  return Write(fd, position + done, blocks.subspan(done));
}

absl::Status PosixAppendFile::Append(std::span<const ByteSpan> pieces) {
  return WhileOpen([&](int fd) { return AppendPieces(fd, pieces); });
}

absl::Status PosixAppendFile::AppendDirect(std::span<const ByteSpan> pieces) {
  return WhileOpen([&](int fd) { return AppendBlocks(fd, pieces); });
}

absl::Status PosixAppendFile::AppendBlocks(int fd, std::span<const ByteSpan> pieces) {
  uint64_t end = size_bytes_;
  for (const ByteSpan& piece : pieces) end += piece.size();
  if (!takes_direct_ || end - size_bytes_ < kMinDirectBytes) return AppendPieces(fd, pieces);
  Blocks blocks = WriteBlocksOfProcess().Take();
  if (blocks == nullptr) return AppendPieces(fd, pieces);
  const absl::Cleanup give_back = [&] { WriteBlocksOfProcess().GiveBack(std::move(blocks)); };
  size_t skip_bytes = 0;
  for (uint64_t position = size_bytes_; position < end;) {
    // Blocks that also hold bytes before or after these are written through the page cache.
    const uint64_t left = end - position;
    const uint64_t to_block = kBlockBytes - position % kBlockBytes;
    const bool whole = to_block == kBlockBytes && left >= kBlockBytes;
    const uint64_t count = whole ? std::min(left / kBlockBytes * kBlockBytes, kMaxDirectBytes)
                                 : std::min(left, to_block);
    const std::span<std::byte> bytes(blocks.get(), count);
    TakeBytes(pieces, skip_bytes, bytes);
    absl::Status status = whole ? WriteBlocks(fd, position, bytes) : Write(fd, position, bytes);
    if (!status.ok()) return status;
    position += count;
  }
  size_bytes_ = end;
  return absl::OkStatus();
}

absl::Status PosixAppendFile::Preallocate(uint64_t bytes) {
  return WhileOpen([&](int fd) {
    const int result = fallocate(fd, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(size_bytes_),
                                 static_cast<off_t>(bytes));
    if (result == 0 || errno == EOPNOTSUPP || errno == ENOSYS) return absl::OkStatus();
    return FileError(path_, "reserve disk space", errno);
  });
}

absl::Status PosixAppendFile::Sync() { return file_.Sync(); }

absl::Status PosixAppendFile::Truncate(uint64_t size_bytes) {
  return WhileOpen([&](int fd) {
    if (ftruncate(fd, static_cast<off_t>(size_bytes)) != 0) {
      return FileError(path_, "truncate", errno);
    }
    size_bytes_ = size_bytes;
    return absl::OkStatus();
  });
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
      std::min(kMaxReadBytes, (out.size() + 2 * kBlockBytes - 1) / kBlockBytes * kBlockBytes);
  const Blocks blocks = AllocateBlocks(blocks_bytes);
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
