// Large zero-filled allocations for weight tables and the like.

#ifndef FRESHET_CORE_BASE_ZEROED_MEMORY_H_
#define FRESHET_CORE_BASE_ZEROED_MEMORY_H_

#include <cstddef>
#include <utility>

#include "absl/status/statusor.h"

namespace freshet {

// A large memory block mapped directly from the system: all zero, page-aligned, in huge pages if
// the system has them. A page takes no memory until it is touched. Freed with the object.
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
