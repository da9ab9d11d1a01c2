// The limit on the memory that all requests in progress may take together.

#ifndef FRESHET_SERVER_HTTP_REQUEST_MEMORY_H_
#define FRESHET_SERVER_HTTP_REQUEST_MEMORY_H_

#include <cstdint>

namespace freshet {

// Only counts; the memory itself is owned by the requests. Not thread-safe.
class RequestMemory {
 public:
  // A part of the memory is reserved for requests of up to this many bytes.
  static constexpr uint64_t kSmallBytes = uint64_t{128} << 10;

  explicit RequestMemory(uint64_t max_bytes) : max_bytes_(max_bytes) {}

  // Whether a request can ever hold this much.
  bool CouldFit(uint64_t bytes) const { return bytes <= MaxFor(bytes); }

  // Sets how much a request holds. Returns false and changes nothing if that is more than before
  // and there is no room now.
  bool Change(uint64_t& held, uint64_t bytes) {
    if (bytes > held && used_ - held + bytes > MaxFor(bytes)) return false;
    ForceChange(held, bytes);
    return true;
  }

  // The same without a limit, for memory that is allocated already.
  void ForceChange(uint64_t& held, uint64_t bytes) {
    used_ = used_ - held + bytes;
    held = bytes;
  }

  uint64_t used_bytes() const { return used_; }

 private:
  uint64_t MaxFor(uint64_t bytes) const {
    constexpr uint64_t kPartForSmall = 8;  // The reserved part is one in this many.
    return bytes <= kSmallBytes ? max_bytes_ : max_bytes_ - max_bytes_ / kPartForSmall;
  }

  const uint64_t max_bytes_;
  uint64_t used_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_REQUEST_MEMORY_H_
