// XXH3-64 checksums, of bytes in one piece or in several.

#ifndef FRESHET_SERVER_FILE_CHECKSUM_H_
#define FRESHET_SERVER_FILE_CHECKSUM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "server/file/file_system.h"

namespace freshet {

// The checksum of `bytes`.
uint64_t Checksum(ByteSpan bytes, uint64_t seed = 0);

// The bytes of a plain value as they are in memory.
template <typename T>
ByteSpan BytesOf(const T& value) {
  return std::as_bytes(std::span<const T, 1>(&value, 1));
}

// Computes over several pieces what Checksum() computes over all of them joined. Not thread-safe.
class Checksummer {
 public:
  explicit Checksummer(uint64_t seed = 0);
  ~Checksummer();

  // Starts over.
  void Reset();
  void Add(ByteSpan bytes);
  // The checksum of what was added so far.
  uint64_t value() const;

 private:
  struct State;
  const uint64_t seed_;
  const std::unique_ptr<State> state_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_FILE_CHECKSUM_H_
