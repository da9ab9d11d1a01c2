// Where bytes of input come from: a file, a pipe, or what a decompressor makes of them.

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

  // Reads at least one byte into `out`, waiting for it if needed, and returns how many; 0 at the
  // end. Returns what is there rather than waiting to fill `out`. REQUIRES: !out.empty().
  virtual absl::StatusOr<size_t> Read(std::span<char> out) = 0;

  // Waits until Read() would not wait, at most `timeout`; returns whether that is so.
  virtual bool WaitReadable(std::chrono::milliseconds timeout) = 0;

  // The bytes taken from the file or pipe so far.
  virtual uint64_t bytes_consumed() const = 0;
};

struct ByteSourceOptions {
  // Wait at the end of the file for more (see LineReaderOptions::follow).
  bool follow = false;
  // Turning true ends all waiting: Read() returns 0. May be null.
  const std::atomic<bool>* stop = nullptr;
};

// Opens `path` ("-": standard input) and undoes its compression, told by its first bytes.
// NOT_FOUND, PERMISSION_DENIED or another error that names the file. Reads nothing yet, so that it
// does not wait for a pipe.
absl::StatusOr<std::unique_ptr<ByteSource>> OpenByteSource(const std::string& path,
                                                           ByteSourceOptions options);

// The size of the regular file `path`; nothing where it is not one.
std::optional<uint64_t> RegularFileSize(const std::string& path);

}  // namespace freshet

#endif  // FRESHET_CLIENT_INPUT_BYTE_SOURCE_H_
