// The saved form of a large memory block that is mostly zero.

#ifndef FRESHET_CORE_BASE_SPARSE_BYTES_H_
#define FRESHET_CORE_BASE_SPARSE_BYTES_H_

#include <cstddef>
#include <cstring>
#include <span>

#include "absl/status/status.h"
#include "core/base/state.h"

namespace freshet {

// Whether all bytes are zero. REQUIRES: there is at least one.
inline bool IsZero(std::span<const std::byte> bytes) {
  return bytes[0] == std::byte{0} &&
         std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

// Writes `bytes` as blocks of 1 KiB, in order, leaving out blocks that are all zero. Each block is
// its number (uint32) followed by its bytes; 0xffffffff marks the end. REQUIRES: the size is a
// multiple of 1 KiB, below 4 TiB.
void SaveSparseBytes(std::span<const std::byte> bytes, StateWriter& writer);

// Reads what SaveSparseBytes() wrote into `bytes`. DATA_LOSS if the saved form ends early, is not
// canonical, or is of a larger memory block. REQUIRES: `bytes` is all zero.
absl::Status LoadSparseBytes(StateReader& reader, std::span<std::byte> bytes);

}  // namespace freshet

#endif  // FRESHET_CORE_BASE_SPARSE_BYTES_H_
