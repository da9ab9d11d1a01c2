#include "client/input/file_source.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/base/str_cat.h"

namespace freshet {
namespace {

// How often a waiting source checks the stop flag, and whether a followed file has grown.
constexpr std::chrono::milliseconds kLookInterval{100};

}  // namespace

absl::StatusOr<std::unique_ptr<FileSource>> FileSource::Open(const std::string& path,
                                                             ByteSourceOptions options) {
  const bool standard_input = path == "-";
  const int descriptor = standard_input ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return absl::ErrnoToStatus(errno, StrCat("cannot open ", path));
  struct stat info {};
  if (fstat(descriptor, &info) != 0) {
    const int error = errno;
    if (!standard_input) close(descriptor);
    return absl::ErrnoToStatus(error, StrCat("cannot read ", path));
  }
  if (S_ISDIR(info.st_mode)) {
    if (!standard_input) close(descriptor);
    return absl::InvalidArgumentError(StrCat(path, " is a folder; name the files in it"));
  }
  const bool regular = S_ISREG(info.st_mode);
  // Standard input may be a file that was partly read already, or truncated since.
  off_t position = regular ? lseek(descriptor, 0, SEEK_CUR) : 0;
  if (regular && position > info.st_size) position = lseek(descriptor, 0, SEEK_SET);
  return std::unique_ptr<FileSource>(new FileSource(
      path, descriptor, regular, static_cast<uint64_t>(std::max(position, off_t{0})), options));
}

FileSource::FileSource(std::string path, int descriptor, bool regular, uint64_t position,
                       ByteSourceOptions options)
    : path_(std::move(path)),
      descriptor_(descriptor),
      regular_(regular),
      options_(options),
      position_(position) {}

FileSource::~FileSource() {
  if (descriptor_ != STDIN_FILENO) close(descriptor_);
}

absl::StatusOr<size_t> FileSource::Read(std::span<char> out) {
  const bool following = regular_ && options_.follow;
  while (true) {
    // Wait in poll() rather than in read(), to be able to check the stop flag.
    if (!regular_ && options_.stop != nullptr && !WaitReadable(kLookInterval)) continue;
    if (!regular_ && Stopped() && Look() == State::kWaiting) return 0;
    // Check this before reading, so that everything written to a file before it was replaced is
    // still read.
    const bool stale = following && Look() == State::kStale;
    const ssize_t count = read(descriptor_, out.data(), out.size());
    if (count > 0) {
      position_ += static_cast<uint64_t>(count);
      return static_cast<size_t>(count);
    }
    if (count == 0) {
      if (!following || stale || Stopped()) return 0;
      WaitReadable(kLookInterval);
    } else if (errno == EAGAIN) {
      WaitReadable(kLookInterval);
    } else if (errno != EINTR) {
      return absl::ErrnoToStatus(errno, StrCat("cannot read ", path_));
    }
  }
}

bool FileSource::WaitReadable(std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (true) {
    if (Stopped() || Look() != State::kWaiting) return true;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    const int wait_ms = static_cast<int>(std::min(left, kLookInterval).count());
    pollfd wanted{descriptor_, POLLIN, 0};
    poll(&wanted, regular_ ? 0 : 1, wait_ms);
  }
}

bool FileSource::Stopped() const { return options_.stop != nullptr && options_.stop->load(); }

FileSource::State FileSource::Look() const {
  if (regular_) return options_.follow ? LookAtFollowedFile() : State::kReadable;
  pollfd wanted{descriptor_, POLLIN, 0};
  // The end of a pipe whose writer is gone, and an error, also count as readable.
  return poll(&wanted, 1, 0) > 0 ? State::kReadable : State::kWaiting;
}

FileSource::State FileSource::LookAtFollowedFile() const {
  struct stat mine {};
  if (fstat(descriptor_, &mine) != 0) return State::kReadable;  // read() will report the error.
  const auto size = static_cast<uint64_t>(mine.st_size);
  if (size < position_) return State::kStale;
  struct stat named {};
  if (path_ != "-" && stat(path_.c_str(), &named) == 0 &&
      (named.st_dev != mine.st_dev || named.st_ino != mine.st_ino)) {
    return State::kStale;
  }
  return size > position_ ? State::kReadable : State::kWaiting;
}

}  // namespace freshet
