// What waits to be logged of predictions that are answered already.

#ifndef FRESHET_SERVER_SERVICE_UNLOGGED_EVENTS_H_
#define FRESHET_SERVER_SERVICE_UNLOGGED_EVENTS_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "server/thread/steady_clock.h"

namespace freshet {

// Bounds how much waits, and tells when nothing does. Thread-safe.
class UnloggedEvents {
 public:
  explicit UnloggedEvents(uint64_t max_bytes) : max_bytes_(max_bytes) {}

  // Counts the events of one call, of so many bytes; Remove() takes them off. False, and nothing is
  // counted, if too much waits.
  bool Add(uint64_t bytes) {
    const SteadyLock lock(&mu_);
    if (bytes_ != 0 && bytes_ + bytes > max_bytes_) return false;
    bytes_ += bytes;
    return true;
  }
  void Remove(uint64_t bytes) {
    const SteadyLock lock(&mu_);
    bytes_ -= bytes;
    if (bytes_ == 0) none_left_.NotifyAll();
  }

  // Waits until nothing waits, or until `deadline`. Whether nothing waits.
  bool AwaitNone(SteadyTime deadline) {
    SteadyClock& clock = SteadyClock::System();
    const SteadyLock lock(&mu_);
    while (bytes_ != 0 && clock.Now() < deadline) clock.WaitUntil(none_left_, mu_, deadline);
    return bytes_ == 0;
  }

 private:
  const uint64_t max_bytes_;
  SteadyMutex mu_;
  SteadyCondition none_left_;
  uint64_t bytes_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_UNLOGGED_EVENTS_H_
