#include "server/thread/thread_priority.h"

#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <thread>
#include "core/base/json_object.h"

namespace freshet {
namespace {

// The argument of sched_setattr(2), which the C library does not declare.
struct SchedulingAttributes {
  uint32_t size;
  uint32_t policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime_ns;  // From Linux 6.12 on, for threads of normal policy: the length of a turn.
  uint64_t deadline_ns;
  uint64_t period_ns;
};

// Logs a refused call, once for each call. Without the call, only predictions during learning get
// slower, which nobody would otherwise trace to the sandbox.
void LogRefusal(const char* call, std::atomic<bool>& logged) {
  const int error = errno;
  if (logged.exchange(true)) return;
  spdlog::warn(
      "event=thread_priority_not_set call={} error={}; predictions may wait for learning; "
      "allow "
      "the call in the sandbox, as SystemCallFilter of deploy/freshetd.service does",
      call, JsonString(std::strerror(error)));
}

// On Linux this sets the value of the calling thread only.
void SetNice(int nice) {
  static std::atomic<bool> logged{false};
  if (setpriority(PRIO_PROCESS, 0, nice) != 0) LogRefusal("setpriority", logged);
}

}  // namespace

void GiveWay() {
  // Four tenths of the share of a thread of normal priority.
  constexpr int kNice = 4;
  constexpr int kMaxNice = 19;
  SetNice(std::min(getpriority(PRIO_PROCESS, 0) + kNice, kMaxNice));
}

void TakeShortTurns() {
  constexpr uint64_t kTurnNs = 100'000;  // The shortest time slice that Linux allows.
  SchedulingAttributes attributes{};
  static std::atomic<bool> get_logged{false};
  static std::atomic<bool> set_logged{false};
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0) != 0) {
    LogRefusal("sched_getattr", get_logged);
    return;
  }
  attributes.runtime_ns = kTurnNs;
  if (syscall(SYS_sched_setattr, 0, &attributes, 0) != 0) {
    LogRefusal("sched_setattr", set_logged);
  }
}

void RunAtLowPriority(const std::function<void()>& work) {
  // A tenth of the share of a thread of normal priority, if there are not enough processors.
  constexpr int kNice = 10;
  // A thread of its own, because a process without privileges cannot raise a priority again.
  std::thread thread([&work] {
    pthread_setname_np(pthread_self(), "low-priority");
    SetNice(kNice);
    work();
  });
  thread.join();
}

}  // namespace freshet
