// A task that runs at a fixed interval, on a thread of its own.

#ifndef FRESHET_SERVER_THREAD_PERIODIC_TASK_H_
#define FRESHET_SERVER_THREAD_PERIODIC_TASK_H_

#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "server/thread/steady_clock.h"

namespace freshet {

// Runs `task` on a thread of its own until stopped, each time `interval` after the last run ended.
// Thread-safe.
class PeriodicTask {
 public:
  // REQUIRES: interval > 0. With an infinite interval the task never runs.
  PeriodicTask(absl::Duration interval, std::function<void()> task,
               SteadyClock& clock = SteadyClock::System());

  // Calls Stop(), and waits for the task if it is running.
  ~PeriodicTask();

  PeriodicTask(const PeriodicTask&) = delete;
  PeriodicTask& operator=(const PeriodicTask&) = delete;

  // Sets the interval, which begins anew now. REQUIRES: interval > 0.
  void SetInterval(absl::Duration interval);

  // The task is not started any more. Does not wait for it if it is running.
  void Stop();

 private:
  void Run(const std::function<void()>& task);
  // Waits until the task is to run. False if it is to stop instead.
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
