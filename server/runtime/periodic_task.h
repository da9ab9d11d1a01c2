// Does something at an interval.

#ifndef FRESHET_SERVER_RUNTIME_PERIODIC_TASK_H_
#define FRESHET_SERVER_RUNTIME_PERIODIC_TASK_H_

#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace freshet {

// Runs `task` on a thread of its own, `interval` after it was last done, until destroyed; the
// destructor waits for the task under way.
class PeriodicTask {
 public:
  // REQUIRES: interval > 0.
  PeriodicTask(absl::Duration interval, std::function<void()> task);
  ~PeriodicTask();

  PeriodicTask(const PeriodicTask&) = delete;
  PeriodicTask& operator=(const PeriodicTask&) = delete;

 private:
  void Run(absl::Duration interval, const std::function<void()>& task);

  absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_RUNTIME_PERIODIC_TASK_H_
