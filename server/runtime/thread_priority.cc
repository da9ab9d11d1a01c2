#include "server/runtime/thread_priority.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <thread>

namespace freshet {
namespace {

// What sched_setattr(2) takes, which the C library does not declare.
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

void SetNice(int nice) { setpriority(PRIO_PROCESS, 0, nice); }  // On Linux: of this thread.

}  // namespace

void GiveWay() {
  // Four tenths of the share of a thread of normal priority.
  constexpr int kNice = 4;
  constexpr int kMaxNice = 19;
  SetNice(std::min(getpriority(PRIO_PROCESS, 0) + kNice, kMaxNice));
}

void TakeShortTurns() {
  constexpr uint64_t kTurnNs = 100'000;  // The shortest that Linux has.
  SchedulingAttributes attributes{};
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0) != 0) return;
  attributes.runtime_ns = kTurnNs;
  syscall(SYS_sched_setattr, 0, &attributes, 0);
}

void RunAtLowPriority(const std::function<void()>& work) {
  // A tenth of the share of a thread of normal priority, where there are not processors enough.
  constexpr int kNice = 10;
  // A thread of its own, since a process without rights cannot raise a priority again.
  std::thread thread([&work] {
    pthread_setname_np(pthread_self(), "low-priority");
    SetNice(kNice);
    work();
  });
  thread.join();
}

}  // namespace freshet
