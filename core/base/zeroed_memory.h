// Large zero-filled allocations for weight tables and the like.

#ifndef FRESHET_CORE_BASE_ZEROED_MEMORY_H_
#define FRESHET_CORE_BASE_ZEROED_MEMORY_H_

#include <cstddef>
#include <utility>

#include "absl/status/statusor.h"

namespace freshet {

// Asks the system for huge pages in this memory, best before it is touched. They make random access
// to large memory faster, but each takes 2 MiB as soon as one byte of it is touched: only for
// memory that will be full, or nearly. Does nothing for less than two huge pages. Only a hint:
// without huge pages everything works, just slower.
void PreferHugePages(void* begin, size_t size_bytes);

// A large memory block mapped directly from the system: all zero and page-aligned. A page takes no
// memory until it is touched. Freed with the object.
class ZeroedMemory {
 public:
  // RESOURCE_EXHAUSTED if the system refuses. REQUIRES: size_bytes > 0.
  static absl::StatusOr<ZeroedMemory> Allocate(size_t size_bytes);

  ~ZeroedMemory();
  ZeroedMemory(ZeroedMemory&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_bytes_(other.size_bytes_) {}
  ZeroedMemory(const ZeroedMemory&) = delete;
  ZeroedMemory& operator=(const ZeroedMemory&) = delete;
  ZeroedMemory& operator=(ZeroedMemory&&) = delete;

  void* data() const { return data_; }
  size_t size_bytes() const { return size_bytes_; }

 private:
  ZeroedMemory(void* data, size_t size_bytes) : data_(data), size_bytes_(size_bytes) {}

  void* data_;
  size_t size_bytes_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_BASE_ZEROED_MEMORY_H_
