// Decompresses a zstd stream of one or more frames.

#ifndef FRESHET_CLIENT_INPUT_ZSTD_SOURCE_H_
#define FRESHET_CLIENT_INPUT_ZSTD_SOURCE_H_

#include <zstd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/input/byte_source.h"

namespace freshet {

// Read() fails with DATA_LOSS if the data is damaged or truncated.
class ZstdSource final : public ByteSource {
 public:
  // `start`: the bytes already read from `compressed`, copied. `path` is for error messages. `stop`
  // may be null; when it turns true, an incomplete stream is not an error.
  ZstdSource(std::string path, std::unique_ptr<ByteSource> compressed, std::span<const char> start,
             const std::atomic<bool>* stop);
  ~ZstdSource() override;
  ZstdSource(const ZstdSource&) = delete;
  ZstdSource& operator=(const ZstdSource&) = delete;

  absl::StatusOr<size_t> Read(std::span<char> out) override;
  bool WaitReadable(std::chrono::milliseconds timeout) override;
  uint64_t bytes_consumed() const override { return compressed_->bytes_consumed(); }

 private:
  absl::StatusOr<bool> FillInput();

  const std::string path_;
  const std::atomic<bool>* const stop_;
  const std::unique_ptr<ByteSource> compressed_;
  std::vector<char> input_;
  ZSTD_inBuffer unread_;  // The part of input_ that is not decompressed yet.
  ZSTD_DCtx* const context_;
  bool in_frame_ = false;
  bool output_pending_ = false;  // Whether the last Read() ended because its buffer was full.
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_INPUT_ZSTD_SOURCE_H_
