#include "core/base/sparse_bytes.h"

#include <cstdint>

namespace freshet {
namespace {

constexpr size_t kBlockBytes = 1024;
constexpr uint32_t kEndOfBlocks = 0xffffffff;

}  // namespace

void SaveSparseBytes(std::span<const std::byte> bytes, StateWriter& writer) {
  for (size_t block = 0; block < bytes.size() / kBlockBytes; ++block) {
    const auto content = bytes.subspan(block * kBlockBytes, kBlockBytes);
    if (IsZero(content)) continue;
    writer.WriteValue(static_cast<uint32_t>(block));
    writer.Write(content);
  }
  writer.WriteValue(kEndOfBlocks);
}

absl::Status LoadSparseBytes(StateReader& reader, std::span<std::byte> bytes) {
  const size_t block_count = bytes.size() / kBlockBytes;
  for (size_t next = 0;;) {
    const auto block = reader.ReadValue<uint32_t>();
    if (!reader.status().ok()) return reader.status();
    if (block == kEndOfBlocks) return absl::OkStatus();
    if (block < next || block >= block_count) {
      return reader.Damaged("a block of a feature table is out of order or beyond the table's end");
    }
    next = size_t{block} + 1;
    const auto content = bytes.subspan(block * kBlockBytes, kBlockBytes);
    reader.Read(content);
    if (!reader.status().ok()) return reader.status();
    if (IsZero(content)) {
      return reader.Damaged("a saved block of a feature table holds only zeros");
    }
  }
}

}  // namespace freshet
