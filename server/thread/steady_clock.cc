#include "server/thread/steady_clock.h"

namespace freshet {

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
