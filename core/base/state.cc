#include "core/base/state.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "core/base/str_cat.h"

namespace freshet {
namespace {

// A state that has grown to this size continues in chunks large enough for huge pages, because
// faulting in small pages takes longer than copying into them.
constexpr size_t kLargeStateBytes = size_t{4} << 20;
// Above the size up to which malloc may serve a request from its heap, since it would not return
// such memory to the system.
constexpr size_t kLargeChunkBytes = size_t{64} << 20;

std::vector<std::byte> NewLargeChunk() {
  std::vector<std::byte> chunk;
  chunk.reserve(kLargeChunkBytes);
  const auto page_bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t before_page =
      (page_bytes - reinterpret_cast<uintptr_t>(chunk.data()) % page_bytes) % page_bytes;
  // Only a hint: failure is harmless.
  madvise(chunk.data() + before_page, kLargeChunkBytes - before_page, MADV_HUGEPAGE);
  return chunk;
}

absl::Status Unreadable(std::string_view what) {
  return absl::DataLossError(StrCat(
      what, ", so the file is damaged or another version wrote it; restore an older snapshot"));
}

}  // namespace

void StateWriter::Write(std::span<const std::byte> bytes) {
  if (sink_ != nullptr) {
    size_bytes_ += bytes.size();
    sink_(bytes);
    return;
  }
  while (!bytes.empty()) {
    if (chunks_.empty() || chunks_.back().size() == chunks_.back().capacity()) {
      if (size_bytes_ < kLargeStateBytes) {
        chunks_.emplace_back().reserve(kChunkBytes);
      } else {
        chunks_.push_back(NewLargeChunk());
      }
    }
    std::vector<std::byte>& chunk = chunks_.back();
    const size_t count = std::min(bytes.size(), chunk.capacity() - chunk.size());
    chunk.insert(chunk.end(), bytes.begin(), bytes.begin() + count);
    bytes = bytes.subspan(count);
    size_bytes_ += count;
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
  return failed_ ? Unreadable("the saved state ends too early") : absl::OkStatus();
}

absl::Status StateReader::Damaged(std::string_view what) const {
  return failed_ ? status() : Unreadable(what);
}

}  // namespace freshet
