// A mutex whose use the compiler can check (-Wthread-safety), and a condition variable whose timed
// waits use the steady clock.
//
// People and programs set the wall clock: a wait measured by it ends at once if the clock is set
// forward by an hour, and an hour late if it is set back. The timed waits of absl::Mutex and
// absl::CondVar use the wall clock, so code that waits with a deadline uses these classes instead.
// std::mutex alone will not do, because it has no thread-safety annotations.

#ifndef FRESHET_CORE_THREAD_STEADY_MUTEX_H_
#define FRESHET_CORE_THREAD_STEADY_MUTEX_H_

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "absl/base/thread_annotations.h"

namespace freshet {

// A time point of the steady clock. Only comparable with other time points of this process.
using SteadyTime = std::chrono::steady_clock::time_point;

// A std::mutex with thread-safety annotations.
class ABSL_LOCKABLE SteadyMutex {
 public:
  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mu_.lock(); }
  void Unlock() ABSL_UNLOCK_FUNCTION() { mu_.unlock(); }

 private:
  friend class SteadyCondition;
  std::mutex mu_;
};

// Holds a SteadyMutex for the length of a scope.
class ABSL_SCOPED_LOCKABLE SteadyLock {
 public:
  explicit SteadyLock(SteadyMutex* mu) ABSL_EXCLUSIVE_LOCK_FUNCTION(mu) : mu_(*mu) { mu_.Lock(); }
  ~SteadyLock() ABSL_UNLOCK_FUNCTION() { mu_.Unlock(); }

  SteadyLock(const SteadyLock&) = delete;
  SteadyLock& operator=(const SteadyLock&) = delete;

 private:
  SteadyMutex& mu_;
};

// A condition variable for SteadyMutex. Thread-safe. Waits may wake spuriously, so call them in a
// loop that checks the condition.
class SteadyCondition {
 public:
  void Wait(SteadyMutex& mu) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    std::unique_lock lock(mu.mu_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();  // The caller keeps holding the mutex.
  }

  // Waits until `deadline` at the latest; SteadyTime::max() means no deadline.
  void WaitUntil(SteadyMutex& mu, SteadyTime deadline) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    if (deadline == SteadyTime::max()) {
      Wait(mu);
      return;
    }
    std::unique_lock lock(mu.mu_, std::adopt_lock);
    condition_.wait_until(lock, deadline);
    lock.release();
  }

  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_THREAD_STEADY_MUTEX_H_
