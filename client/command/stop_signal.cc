#include "client/command/stop_signal.h"

#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <ctime>

namespace freshet {
namespace {

std::atomic<bool> stop_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free);

std::atomic<int> stop_signal{0};
static_assert(std::atomic<int>::is_always_lock_free);

// When the first signal arrived, in milliseconds of CLOCK_MONOTONIC; 0: none yet.
std::atomic<int64_t> first_signal_ms{0};
static_assert(std::atomic<int64_t>::is_always_lock_free);

// Some senders, timeout(1) for one, signal a process and then its group. Signals this close
// together count as one.
constexpr int64_t kSameSignalMs = 200;

void OnSignal(int signal_number) {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const int64_t now_ms = int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
  int64_t none = 0;
  const bool is_first = first_signal_ms.compare_exchange_strong(none, now_ms);
  if (!is_first && now_ms - first_signal_ms > kSameSignalMs) _exit(128 + signal_number);
  if (is_first) stop_signal = signal_number;
  stop_requested = true;
}

}  // namespace

const std::atomic<bool>& CatchStopSignals() {
  struct sigaction action {};
  action.sa_handler = OnSignal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = 0;  // No SA_RESTART, so that signals interrupt blocking reads.
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  return stop_requested;
}

int StopSignal() { return stop_signal; }

}  // namespace freshet
