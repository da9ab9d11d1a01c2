#include "core/base/zeroed_memory.h"

#include <sys/mman.h>

#include "core/base/str_cat.h"

namespace freshet {

absl::StatusOr<ZeroedMemory> ZeroedMemory::Allocate(size_t size_bytes) {
  void* data =
      mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) {
    return absl::ResourceExhaustedError(
        StrCat("cannot allocate ", size_bytes,
               " bytes of memory for the model's tables; choose fewer bits"));
  }
  // Only a hint: without huge pages everything works, just slower.
  madvise(data, size_bytes, MADV_HUGEPAGE);
  return ZeroedMemory(data, size_bytes);
}

ZeroedMemory::~ZeroedMemory() {
  if (data_ != nullptr) munmap(data_, size_bytes_);
}

}  // namespace freshet
