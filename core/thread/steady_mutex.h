// A mutex whose use the compiler can check, and waits that go by the steady clock.
//
// The wall clock is set by people and programs: a pause that is measured by it ends at once where
// the clock is put forward by an hour, and an hour late where it is put back. The timed waits of
// absl::Mutex and absl::CondVar go by the wall clock, so whoever waits with a deadline takes these.
// The annotations of locks (-Wthread-safety) know nothing of std::mutex.

#ifndef FRESHET_CORE_THREAD_STEADY_MUTEX_H_
#define FRESHET_CORE_THREAD_STEADY_MUTEX_H_

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "absl/base/thread_annotations.h"

namespace freshet {

// A moment of the steady clock: to be compared with other moments of this process alone.
using SteadyTime = std::chrono::steady_clock::time_point;

// As std::mutex.
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
  void Wait(SteadyMutex& mu) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    std::unique_lock lock(mu.mu_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();  // The caller goes on holding it.
  }

  // Until `deadline` at the latest.
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
