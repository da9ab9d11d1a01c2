#include "server/thread/steady_clock.h"

namespace freshet {

void SteadyCondition::Wait(SteadyMutex& mu) {
  std::unique_lock lock(mu.mu_, std::adopt_lock);
  condition_.wait(lock);
  lock.release();  // The caller goes on holding it.
}

void SteadyCondition::WaitUntil(SteadyMutex& mu, SteadyTime deadline) {
  if (deadline == SteadyTime::max()) {
    Wait(mu);
    return;
  }
  std::unique_lock lock(mu.mu_, std::adopt_lock);
  condition_.wait_until(lock, deadline);
  lock.release();
}

SteadyTime SteadyClock::After(absl::Duration pause) const {
  const SteadyTime now = Now();
  const absl::Duration left = absl::FromChrono(SteadyTime::max() - now);
  return pause >= left ? SteadyTime::max() : now + absl::ToChronoNanoseconds(pause);
}

SteadyClock& SteadyClock::System() {
  static SteadyClock clock;
  return clock;
}

}  // namespace freshet
