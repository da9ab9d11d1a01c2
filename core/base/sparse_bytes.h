// The saved form of a large piece of memory that is mostly zero.

#ifndef FRESHET_CORE_BASE_SPARSE_BYTES_H_
#define FRESHET_CORE_BASE_SPARSE_BYTES_H_

#include <cstddef>
#include <span>

#include "absl/status/status.h"
#include "core/base/state.h"

namespace freshet {

// Blocks of 1 KiB, in order, those of zeros left out: the block's number (uint32), its bytes; at
// the end 0xffffffff. REQUIRES: the size is a multiple of 1 KiB, below 4 TiB.
void SaveSparseBytes(std::span<const std::byte> bytes, StateWriter& writer);

// Reads that into memory that is all zero. DATA_LOSS unless it is canonical and of this size.
absl::Status LoadSparseBytes(StateReader& reader, std::span<std::byte> bytes);

}  // namespace freshet

#endif  // FRESHET_CORE_BASE_SPARSE_BYTES_H_
