#include "core/base/zeroed_memory.h"

#include <sys/mman.h>

#include <cstdint>

#include "core/base/str_cat.h"

namespace freshet {

void PreferHugePages(void* begin, size_t size_bytes) {
  constexpr size_t kMinBytes = size_t{4} << 20;
  constexpr uintptr_t kPageBytes = 4096;
  if (size_bytes < kMinBytes) return;
  const auto address = reinterpret_cast<uintptr_t>(begin);
  const size_t skipped = (kPageBytes - address % kPageBytes) % kPageBytes;
  const size_t end = size_bytes - (address + size_bytes) % kPageBytes;
  madvise(static_cast<char*>(begin) + skipped, end - skipped, MADV_HUGEPAGE);
}

absl::StatusOr<ZeroedMemory> ZeroedMemory::Allocate(size_t size_bytes) {
  void* data =
      mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) {
    return absl::ResourceExhaustedError(
        StrCat("cannot allocate ", size_bytes,
               " bytes of memory for the model's tables; choose fewer bits"));
  }
  return ZeroedMemory(data, size_bytes);
}

ZeroedMemory::~ZeroedMemory() {
  if (data_ != nullptr) munmap(data_, size_bytes_);
}

}  // namespace freshet
