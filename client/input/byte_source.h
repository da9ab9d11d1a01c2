// Sources of input bytes: files, pipes, and decompressors on top of them.

#ifndef FRESHET_CLIENT_INPUT_BYTE_SOURCE_H_
#define FRESHET_CLIENT_INPUT_BYTE_SOURCE_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "absl/status/statusor.h"

namespace freshet {

// A stream of bytes. Not thread-safe.
class ByteSource {
 public:
  virtual ~ByteSource() = default;

  // Reads at least one byte into `out`, waiting if needed, and returns how many; 0 at the end.
  // Returns the bytes available rather than waiting to fill `out`. REQUIRES: !out.empty().
  virtual absl::StatusOr<size_t> Read(std::span<char> out) = 0;

  // Waits, at most for `timeout`, until Read() would not have to wait. Returns whether that is so.
  virtual bool WaitReadable(std::chrono::milliseconds timeout) = 0;

  // The number of bytes read from the file or pipe so far, before decompression.
  virtual uint64_t bytes_consumed() const = 0;
};

struct ByteSourceOptions {
  // At the end of the file, wait for more (see LineReaderOptions::follow).
  bool follow = false;
  // When it turns true, all waiting ends and Read() returns 0. May be null.
  const std::atomic<bool>* stop = nullptr;
};

// Opens `path` ("-": standard input). The source decompresses gzip and zstd, which it detects from
// the first bytes. Reads nothing yet, so that it does not wait for a pipe. NOT_FOUND,
// PERMISSION_DENIED or another error, which names the file, if it cannot be opened.
absl::StatusOr<std::unique_ptr<ByteSource>> OpenByteSource(const std::string& path,
                                                           ByteSourceOptions options);

// The size of the regular file `path` ("-": standard input); nothing if it is not a regular file.
std::optional<uint64_t> RegularFileSize(const std::string& path);

}  // namespace freshet

#endif  // FRESHET_CLIENT_INPUT_BYTE_SOURCE_H_
