#include "client/command/stop_signal.h"

#include <unistd.h>

#include <csignal>

namespace freshet {
namespace {

std::atomic<bool> stop_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void OnSignal(int signal_number) {
  if (stop_requested.exchange(true)) _exit(128 + signal_number);
}

}  // namespace

const std::atomic<bool>& CatchStopSignals() {
  struct sigaction action {};
  action.sa_handler = OnSignal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = 0;  // Not SA_RESTART: reads are to be interrupted.
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  return stop_requested;
}

}  // namespace freshet
