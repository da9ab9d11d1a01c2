#include "core/base/state.h"

#include <algorithm>

namespace freshet {

void StateWriter::Write(std::span<const std::byte> bytes) {
  size_bytes_ += bytes.size();
  while (!bytes.empty()) {
    if (chunks_.empty() || chunks_.back().size() == kChunkBytes) {
      chunks_.emplace_back().reserve(kChunkBytes);
    }
    std::vector<std::byte>& chunk = chunks_.back();
    const size_t count = std::min(bytes.size(), kChunkBytes - chunk.size());
    chunk.insert(chunk.end(), bytes.begin(), bytes.begin() + count);
    bytes = bytes.subspan(count);
  }
}

std::vector<std::span<const std::byte>> StateWriter::Chunks() const {
  return {chunks_.begin(), chunks_.end()};
}

bool StateReader::Read(std::span<std::byte> out) {
  if (out.size() > bytes_.size()) failed_ = true;
  if (failed_) {
    std::fill(out.begin(), out.end(), std::byte{0});
    return false;
  }
  std::copy_n(bytes_.begin(), out.size(), out.begin());
  bytes_ = bytes_.subspan(out.size());
  return true;
}

absl::Status StateReader::status() const {
  if (failed_) return absl::DataLossError("the saved state ends too early");
  return absl::OkStatus();
}

}  // namespace freshet
