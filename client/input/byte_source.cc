#include "client/input/byte_source.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "client/input/file_source.h"
#include "client/input/gzip_source.h"
#include "client/input/zstd_source.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

constexpr std::string_view kGzipMagic = "\x1f\x8b";
constexpr std::string_view kZstdMagic = "\x28\xb5\x2f\xfd";

// Detects from the first bytes whether the file is compressed, and decompresses it if so.
class DetectingSource final : public ByteSource {
 public:
  DetectingSource(std::string path, std::unique_ptr<ByteSource> file, ByteSourceOptions options)
      : path_(std::move(path)), options_(options), file_(std::move(file)) {}

  absl::StatusOr<size_t> Read(std::span<char> out) override {
    if (decoded_ == nullptr && !plain_) {
      if (absl::Status status = Detect(); !status.ok()) return status;
    }
    if (decoded_ != nullptr) return decoded_->Read(out);
    if (given_ == start_size_) return file_->Read(out);
    const size_t count = std::min(out.size(), start_size_ - given_);
    std::copy_n(start_.begin() + static_cast<ptrdiff_t>(given_), count, out.begin());
    given_ += count;
    return count;
  }

  bool WaitReadable(std::chrono::milliseconds timeout) override {
    if (decoded_ != nullptr) return decoded_->WaitReadable(timeout);
    return (plain_ && given_ < start_size_) || file_->WaitReadable(timeout);
  }

  uint64_t bytes_consumed() const override {
    return decoded_ != nullptr ? decoded_->bytes_consumed() : file_->bytes_consumed();
  }

 private:
  absl::Status Detect() {
    std::string_view start;
    const auto might_be = [&start](std::string_view magic) {
      return start.substr(0, magic.size()) == magic.substr(0, start.size());
    };
    // Read more only while the bytes so far could begin a magic number, so that text from a slow
    // pipe is not held back.
    while (start.size() < start_.size() && (might_be(kGzipMagic) || might_be(kZstdMagic))) {
      if (start.starts_with(kGzipMagic)) break;
      const absl::StatusOr<size_t> count = file_->Read(std::span(start_).subspan(start_size_));
      if (!count.ok()) return count.status();
      if (*count == 0) break;
      start_size_ += *count;
      start = std::string_view(start_.data(), start_size_);
    }
    const std::span<const char> read = std::span(start_).first(start_size_);
    const bool gzip = start.starts_with(kGzipMagic);
    const bool zstd = start.starts_with(kZstdMagic);
    plain_ = !gzip && !zstd;
    if (!plain_ && options_.follow) {
      return absl::InvalidArgumentError(StrCat("cannot follow ", path_,
                                               ": it is compressed; decompress it, or leave out "
                                               "--follow"));
    }
    if (gzip) {
      decoded_ = std::make_unique<GzipSource>(path_, std::move(file_), read, options_.stop);
    } else if (zstd) {
      decoded_ = std::make_unique<ZstdSource>(path_, std::move(file_), read, options_.stop);
    }
    return absl::OkStatus();
  }

  const std::string path_;
  const ByteSourceOptions options_;
  std::unique_ptr<ByteSource> file_;     // Moved into decoded_ once that is set.
  std::unique_ptr<ByteSource> decoded_;  // Set once the file is known to be compressed.
  bool plain_ = false;                   // True once the file is known not to be compressed.
  std::array<char, 4> start_ = {};
  size_t start_size_ = 0;
  size_t given_ = 0;  // Bytes of start_ that Read() has returned.
};

}  // namespace

absl::StatusOr<std::unique_ptr<ByteSource>> OpenByteSource(const std::string& path,
                                                           ByteSourceOptions options) {
  absl::StatusOr<std::unique_ptr<FileSource>> file = FileSource::Open(path, options);
  if (!file.ok()) return file.status();
  return std::make_unique<DetectingSource>(path, *std::move(file), options);
}

std::optional<uint64_t> RegularFileSize(const std::string& path) {
  struct stat info {};
  const int result = path == "-" ? fstat(STDIN_FILENO, &info) : stat(path.c_str(), &info);
  if (result != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  return static_cast<uint64_t>(info.st_size);
}

}  // namespace freshet
