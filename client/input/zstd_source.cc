#include "client/input/zstd_source.h"

#include <algorithm>
#include <utility>

#include "core/base/str_cat.h"

namespace freshet {
namespace {

constexpr size_t kZstdInputBytes = size_t{128} << 10;

}  // namespace

ZstdSource::ZstdSource(std::string path, std::unique_ptr<ByteSource> compressed,
                       std::span<const char> start, const std::atomic<bool>* stop)
    : path_(std::move(path)),
      stop_(stop),
      compressed_(std::move(compressed)),
      input_(std::max(kZstdInputBytes, start.size())),
      unread_{input_.data(), start.size(), 0},
      context_(ZSTD_createDCtx()) {
  std::copy(start.begin(), start.end(), input_.begin());
}

ZstdSource::~ZstdSource() { ZSTD_freeDCtx(context_); }

absl::StatusOr<size_t> ZstdSource::Read(std::span<char> out) {
  if (context_ == nullptr) return absl::ResourceExhaustedError("no memory to read zstd data");
  ZSTD_outBuffer written{out.data(), out.size(), 0};
  while (true) {
    if (unread_.pos == unread_.size && !output_pending_) {
      const absl::StatusOr<bool> filled = FillInput();
      if (!filled.ok()) return filled.status();
      if (!*filled) return size_t{0};
    }
    const size_t result = ZSTD_decompressStream(context_, &written, &unread_);
    if (ZSTD_isError(result) != 0) {
      return absl::DataLossError(StrCat(path_, " is damaged: its zstd data is wrong near byte ",
                                        bytes_consumed() - (unread_.size - unread_.pos), " (",
                                        ZSTD_getErrorName(result), ")"));
    }
    in_frame_ = result != 0;
    output_pending_ = in_frame_ && written.pos == written.size;
    if (written.pos > 0) return written.pos;
  }
}

// Reads more compressed bytes into input_. Returns false at the end.
absl::StatusOr<bool> ZstdSource::FillInput() {
  const absl::StatusOr<size_t> count = compressed_->Read(input_);
  if (!count.ok()) return count.status();
  unread_ = {input_.data(), *count, 0};
  if (*count > 0) return true;
  const bool stopped = stop_ != nullptr && stop_->load();
  if (in_frame_ && !stopped) {
    return absl::DataLossError(StrCat(path_, " is truncated: its zstd data ends too early"));
  }
  return false;
}

bool ZstdSource::WaitReadable(std::chrono::milliseconds timeout) {
  return output_pending_ || unread_.pos < unread_.size || compressed_->WaitReadable(timeout);
}

}  // namespace freshet
