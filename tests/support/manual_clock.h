// A steady clock that stands still until a test advances it.

#ifndef FRESHET_TESTS_SUPPORT_MANUAL_CLOCK_H_
#define FRESHET_TESTS_SUPPORT_MANUAL_CLOCK_H_

#include <cstddef>
#include <map>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/thread/steady_clock.h"

namespace freshet {

// Thread-safe. Must outlive every thread that waits on it.
class ManualClock : public SteadyClock {
 public:
  SteadyTime Now() const override {
    const absl::MutexLock lock(&mu_);
    return now_;
  }

  void WaitUntil(SteadyCondition& condition, SteadyMutex& mu, SteadyTime deadline) override
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    {
      const absl::MutexLock lock(&mu_);
      if (now_ >= deadline) return;
      waiting_.emplace(&condition, &mu);
    }
    condition.Wait(mu);
    const absl::MutexLock lock(&mu_);
    waiting_.erase(waiting_.find(&condition));
  }

  // Wakes up every waiting thread, so that each checks whether its deadline has come.
  void Advance(absl::Duration duration) {
    std::multimap<SteadyCondition*, SteadyMutex*> waiting;
    {
      const absl::MutexLock lock(&mu_);
      now_ += absl::ToChronoNanoseconds(duration);
      waiting = waiting_;
    }
    for (const auto& [condition, mu] : waiting) {
      const SteadyLock lock(mu);  // A thread in the list is waiting by the time this is held.
      condition->NotifyAll();
    }
  }

  // Waits until `count` threads wait on the clock.
  void AwaitWaiting(size_t count) {
    const auto enough = [this, count]()
                            ABSL_SHARED_LOCKS_REQUIRED(mu_) { return waiting_.size() >= count; };
    const absl::MutexLock lock(&mu_, absl::Condition(&enough));
  }

 private:
  mutable absl::Mutex mu_;
  SteadyTime now_ ABSL_GUARDED_BY(mu_) = SteadyTime(std::chrono::hours(1));
  std::multimap<SteadyCondition*, SteadyMutex*> waiting_ ABSL_GUARDED_BY(mu_);
};

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_MANUAL_CLOCK_H_
