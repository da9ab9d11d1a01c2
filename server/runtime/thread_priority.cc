#include "server/runtime/low_priority.h"

#include <pthread.h>
#include <sys/resource.h>

#include <thread>

namespace freshet {

void RunAtLowPriority(const std::function<void()>& work) {
  // A tenth of the share of a thread of normal priority, where there are not processors enough.
  constexpr int kNice = 10;
  // A thread of its own, since a process without rights cannot raise a priority again.
  std::thread thread([&work] {
    pthread_setname_np(pthread_self(), "low-priority");
    setpriority(PRIO_PROCESS, 0, kNice);  // On Linux: of this thread.
    work();
  });
  thread.join();
}

}  // namespace freshet
