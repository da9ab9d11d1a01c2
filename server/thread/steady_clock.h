// Time for pauses and deadlines, and waits that go by it.
//
// The wall clock is set by people and programs: a pause that is measured by it ends at once where
// the clock is put forward by an hour, and an hour late where it is put back. The timed waits of
// absl::Mutex and absl::CondVar go by the wall clock, so whoever waits with a deadline takes these.

#ifndef FRESHET_SERVER_THREAD_STEADY_CLOCK_H_
#define FRESHET_SERVER_THREAD_STEADY_CLOCK_H_

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"

namespace freshet {

// A moment of the steady clock: to be compared with other moments of this process alone.
using SteadyTime = std::chrono::steady_clock::time_point;

// A mutex for SteadyCondition.
class ABSL_LOCKABLE SteadyMutex {
 public:
  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mu_.lock(); }
  void Unlock() ABSL_UNLOCK_FUNCTION() { mu_.unlock(); }

 private:
  friend class SteadyCondition;
  std::mutex mu_;
};

class ABSL_SCOPED_LOCKABLE SteadyLock {
 public:
  explicit SteadyLock(SteadyMutex* mu) ABSL_EXCLUSIVE_LOCK_FUNCTION(mu) : mu_(*mu) { mu_.Lock(); }
  ~SteadyLock() ABSL_UNLOCK_FUNCTION() { mu_.Unlock(); }

  SteadyLock(const SteadyLock&) = delete;
  SteadyLock& operator=(const SteadyLock&) = delete;

 private:
  SteadyMutex& mu_;
};

// What threads wait for. Waits also end for no reason: call them in a loop that looks at what is
// waited for.
class SteadyCondition {
 public:
  void Wait(SteadyMutex& mu) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu);
  // Until `deadline` at the latest.
  void WaitUntil(SteadyMutex& mu, SteadyTime deadline) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu);
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

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
