// The memory that requests under way may take together.

#ifndef FRESHET_SERVER_HTTP_REQUEST_MEMORY_H_
#define FRESHET_SERVER_HTTP_REQUEST_MEMORY_H_

#include <cstdint>

namespace freshet {

// Counts bytes that others hold. Used on one thread.
class RequestMemory {
 public:
  // Requests of up to so many bytes have a part of the memory that larger ones cannot take.
  static constexpr uint64_t kSmallBytes = uint64_t{128} << 10;

  explicit RequestMemory(uint64_t max_bytes) : max_bytes_(max_bytes) {}

  // Whether a request may ever hold so much.
  bool CouldFit(uint64_t bytes) const { return bytes <= MaxFor(bytes); }

  // Sets what a request holds. False, and it stays as it was, where it is to hold more and there is
  // no room now.
  bool Change(uint64_t& held, uint64_t bytes) {
    if (bytes > held && used_ - held + bytes > MaxFor(bytes)) return false;
    ForceChange(held, bytes);
    return true;
  }

  // The same without a limit: for what is there already.
  void ForceChange(uint64_t& held, uint64_t bytes) {
    used_ = used_ - held + bytes;
    held = bytes;
  }

  uint64_t used_bytes() const { return used_; }

 private:
  uint64_t MaxFor(uint64_t bytes) const {
    constexpr uint64_t kPartForSmall = 8;  // One of so many.
    return bytes <= kSmallBytes ? max_bytes_ : max_bytes_ - max_bytes_ / kPartForSmall;
  }

  const uint64_t max_bytes_;
  uint64_t used_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_REQUEST_MEMORY_H_
