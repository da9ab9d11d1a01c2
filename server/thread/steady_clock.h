// Time for pauses and deadlines: see core/thread/steady_mutex.h for why it is not the wall clock's.

#ifndef FRESHET_SERVER_THREAD_STEADY_CLOCK_H_
#define FRESHET_SERVER_THREAD_STEADY_CLOCK_H_

#include <chrono>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "core/thread/steady_mutex.h"

namespace freshet {

// The clock itself; tests have one that they put forward by hand. Thread-safe.
class SteadyClock {
 public:
  virtual ~SteadyClock() = default;

  virtual SteadyTime Now() const { return std::chrono::steady_clock::now(); }

  // As SteadyCondition::WaitUntil(), by this clock.
  virtual void WaitUntil(SteadyCondition& condition, SteadyMutex& mu, SteadyTime deadline)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    condition.WaitUntil(mu, deadline);
  }

  // The moment after a pause from now; the end of all time where the pause is that long.
  SteadyTime After(absl::Duration pause) const;

  // The system's.
  static SteadyClock& System();
};

}  // namespace freshet

#endif  // FRESHET_SERVER_THREAD_STEADY_CLOCK_H_
