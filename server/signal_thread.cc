#include "server/signal_thread.h"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <csignal>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/time/clock.h"
#include "core/base/str_cat.h"
#include "server/thread/steady_clock.h"

namespace freshet {
namespace {

sigset_t Signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  return signals;
}

// Waits for a signal and returns it; 0 if none came before `deadline`.
int AwaitSignal(const sigset_t& signals, const std::optional<SteadyTime>& deadline) {
  while (true) {
    int signal = -1;
    if (deadline.has_value()) {
      const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(
          *deadline - SteadyClock::System().Now());
      if (left.count() <= 0) return 0;
      const timespec timeout = absl::ToTimespec(absl::FromChrono(left));
      signal = sigtimedwait(&signals, nullptr, &timeout);
    } else {
      signal = sigwaitinfo(&signals, nullptr);
    }
    if (signal > 0) return signal;  // Otherwise interrupted, or out of time.
  }
}

// Writes a line directly to standard error, because the log may wait for its reader.
void WriteLastWords(std::string_view words) {
  const std::string time =
      absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone());
  // A pipe that poll() calls writable takes at least this much without blocking.
  constexpr size_t kMaxBytes = PIPE_BUF;
  std::string line = StrCat("time=", time, " level=error ", words);
  line.resize(std::min(line.size(), kMaxBytes - 1));
  line += '\n';
  pollfd error = {.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (poll(&error, 1, 0) != 1) return;
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace

void SignalThread::BlockSignals() {
  const sigset_t signals = Signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

SignalThread::SignalThread(Actions actions)
    : actions_(std::move(actions)), thread_([this] { Run(); }) {}

SignalThread::~SignalThread() {
  ended_ = true;
  pthread_kill(thread_.native_handle(), SIGHUP);
  thread_.join();
}

void SignalThread::Run() {
  pthread_setname_np(pthread_self(), "signals");
  const sigset_t signals = Signals();
  std::optional<SteadyTime> deadline;  // For the stop; empty until one was asked for.
  while (true) {
    const int signal = AwaitSignal(signals, deadline);
    if (ended_) return;
    if (signal == 0) {
      const Ending ending = actions_.overdue();
      WriteLastWords(ending.message);
      _exit(ending.exit_code);
    }
    if (signal == SIGHUP) {
      if (!deadline.has_value()) actions_.reload();
    } else if (!deadline.has_value()) {
      deadline = SteadyClock::System().After(actions_.stop(signal));
    } else {
      WriteLastWords("event=second_signal; ending at once");
      _exit(128 + signal);
    }
  }
}

}  // namespace freshet
