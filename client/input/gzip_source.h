// Decompresses a gzip stream of one or more members.

#ifndef FRESHET_CLIENT_INPUT_GZIP_SOURCE_H_
#define FRESHET_CLIENT_INPUT_GZIP_SOURCE_H_

#include <zlib.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/input/byte_source.h"

namespace freshet {

// Read() fails with DATA_LOSS if the data is damaged or truncated.
class GzipSource final : public ByteSource {
 public:
  // `start`: the bytes already read from `compressed`, copied. `path` is for error messages. `stop`
  // may be null; when it turns true, an incomplete stream is not an error.
  GzipSource(std::string path, std::unique_ptr<ByteSource> compressed, std::span<const char> start,
             const std::atomic<bool>* stop);
  ~GzipSource() override;
  GzipSource(const GzipSource&) = delete;
  GzipSource& operator=(const GzipSource&) = delete;

  absl::StatusOr<size_t> Read(std::span<char> out) override;
  bool WaitReadable(std::chrono::milliseconds timeout) override;
  uint64_t bytes_consumed() const override { return compressed_->bytes_consumed(); }

 private:
  absl::StatusOr<bool> FillInput();
  absl::Status StartMember();
  absl::Status Damaged() const;

  const std::string path_;
  const std::atomic<bool>* const stop_;
  const std::unique_ptr<ByteSource> compressed_;
  std::vector<char> input_;
  z_stream stream_ = {};
  bool started_ = false;         // Whether stream_ is initialised.
  bool in_member_ = false;       // Whether a member has begun and not ended.
  bool output_pending_ = false;  // Whether the last Read() ended because its buffer was full.
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_INPUT_GZIP_SOURCE_H_
