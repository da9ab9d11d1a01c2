#include "client/input/gzip_source.h"

#include <algorithm>
#include <utility>

#include "core/base/str_cat.h"

namespace freshet {
namespace {

constexpr size_t kGzipInputBytes = size_t{128} << 10;
constexpr int kGzipWindowBits = 15 + 16;  // 15: the largest window. 16: with a gzip header.

}  // namespace

GzipSource::GzipSource(std::string path, std::unique_ptr<ByteSource> compressed,
                       std::span<const char> start, const std::atomic<bool>* stop)
    : path_(std::move(path)),
      stop_(stop),
      compressed_(std::move(compressed)),
      input_(std::max(kGzipInputBytes, start.size())) {
  std::copy(start.begin(), start.end(), input_.begin());
  stream_.next_in = reinterpret_cast<Bytef*>(input_.data());
  stream_.avail_in = static_cast<uInt>(start.size());
}

GzipSource::~GzipSource() {
  if (started_) inflateEnd(&stream_);
}

absl::StatusOr<size_t> GzipSource::Read(std::span<char> out) {
  stream_.next_out = reinterpret_cast<Bytef*>(out.data());
  stream_.avail_out = static_cast<uInt>(out.size());
  while (true) {
    if (stream_.avail_in == 0 && !output_pending_) {
      const absl::StatusOr<bool> filled = FillInput();
      if (!filled.ok()) return filled.status();
      if (!*filled) return size_t{0};
    }
    if (!in_member_) {
      // Skip zeros between and after members: some programs pad files with them.
      while (stream_.avail_in > 0 && started_ && *stream_.next_in == 0) {
        ++stream_.next_in;
        --stream_.avail_in;
      }
      if (stream_.avail_in == 0) continue;
      if (absl::Status status = StartMember(); !status.ok()) return status;
    }
    const int result = inflate(&stream_, Z_NO_FLUSH);
    if (result == Z_STREAM_END) {
      in_member_ = false;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      return Damaged();
    }
    output_pending_ = in_member_ && stream_.avail_out == 0;
    const size_t count = out.size() - stream_.avail_out;
    if (count > 0) return count;
  }
}

// Reads more compressed bytes into input_. Returns false at the end.
absl::StatusOr<bool> GzipSource::FillInput() {
  const absl::StatusOr<size_t> count = compressed_->Read(input_);
  if (!count.ok()) return count.status();
  stream_.next_in = reinterpret_cast<Bytef*>(input_.data());
  stream_.avail_in = static_cast<uInt>(*count);
  if (*count > 0) return true;
  const bool stopped = stop_ != nullptr && stop_->load();
  if (in_member_ && !stopped) {
    return absl::DataLossError(StrCat(path_, " is truncated: its gzip data ends too early"));
  }
  return false;
}

absl::Status GzipSource::StartMember() {
  const int result = started_ ? inflateReset(&stream_) : inflateInit2(&stream_, kGzipWindowBits);
  if (result != Z_OK) return absl::ResourceExhaustedError("no memory to read gzip data");
  started_ = true;
  in_member_ = true;
  return absl::OkStatus();
}

absl::Status GzipSource::Damaged() const {
  return absl::DataLossError(
      StrCat(path_, " is damaged: its gzip data is wrong near byte ",
             bytes_consumed() - stream_.avail_in, stream_.msg == nullptr ? "" : " (",
             stream_.msg == nullptr ? "" : stream_.msg, stream_.msg == nullptr ? "" : ")"));
}

bool GzipSource::WaitReadable(std::chrono::milliseconds timeout) {
  return output_pending_ || stream_.avail_in > 0 || compressed_->WaitReadable(timeout);
}

}  // namespace freshet
