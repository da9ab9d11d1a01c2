// The clock for pauses and deadlines. core/thread/steady_mutex.h says why these do not use the wall
// clock.

#ifndef FRESHET_SERVER_THREAD_STEADY_CLOCK_H_
#define FRESHET_SERVER_THREAD_STEADY_CLOCK_H_

#include <chrono>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "core/thread/steady_mutex.h"

namespace freshet {

// Thread-safe. Tests have a clock that they advance by hand.
class SteadyClock {
 public:
  virtual ~SteadyClock() = default;

  virtual SteadyTime Now() const { return std::chrono::steady_clock::now(); }

  // Like SteadyCondition::WaitUntil(), but by this clock.
  virtual void WaitUntil(SteadyCondition& condition, SteadyMutex& mu, SteadyTime deadline)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    condition.WaitUntil(mu, deadline);
  }

  // Now plus `pause`, or the latest time that there is if the sum would be later.
  SteadyTime After(absl::Duration pause) const;

  // The system's clock.
  static SteadyClock& System();
};

}  // namespace freshet

#endif  // FRESHET_SERVER_THREAD_STEADY_CLOCK_H_
