// Does something at an interval.

#ifndef FRESHET_SERVER_THREAD_PERIODIC_TASK_H_
#define FRESHET_SERVER_THREAD_PERIODIC_TASK_H_

#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "server/thread/steady_clock.h"

namespace freshet {

// Runs `task` on a thread of its own, `interval` after it was last done, until stopped.
// Thread-safe.
class PeriodicTask {
 public:
  // REQUIRES: interval > 0. An infinite one: never.
  PeriodicTask(absl::Duration interval, std::function<void()> task,
               SteadyClock& clock = SteadyClock::System());

  // Stop(); then waits for the task under way.
  ~PeriodicTask();

  PeriodicTask(const PeriodicTask&) = delete;
  PeriodicTask& operator=(const PeriodicTask&) = delete;

  // The interval from now on; the one that is running begins anew. REQUIRES: interval > 0.
  void SetInterval(absl::Duration interval);

  // Begins the task no more. Does not wait for the one under way.
  void Stop();

 private:
  void Run(const std::function<void()>& task);
  // False where it is to stop.
  bool AwaitNextTime();

  SteadyClock& clock_;

  SteadyMutex mu_;
  SteadyCondition changed_;
  absl::Duration interval_ ABSL_GUARDED_BY(mu_);
  SteadyTime next_time_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;

  std::thread thread_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_THREAD_PERIODIC_TASK_H_
