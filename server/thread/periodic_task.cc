#include "server/thread/periodic_task.h"

#include <utility>

namespace freshet {

PeriodicTask::PeriodicTask(absl::Duration interval, std::function<void()> task, SteadyClock& clock)
    : clock_(clock),
      interval_(interval),
      next_time_(clock.After(interval)),
      thread_([this, task = std::move(task)] { Run(task); }) {}

PeriodicTask::~PeriodicTask() {
  Stop();
  thread_.join();
}

void PeriodicTask::SetInterval(absl::Duration interval) {
  const SteadyLock lock(&mu_);
  interval_ = interval;
  next_time_ = clock_.After(interval);
  changed_.NotifyAll();
}

void PeriodicTask::Stop() {
  const SteadyLock lock(&mu_);
  stopping_ = true;
  changed_.NotifyAll();
}

bool PeriodicTask::AwaitNextTime() {
  const SteadyLock lock(&mu_);
  while (!stopping_ && clock_.Now() < next_time_) clock_.WaitUntil(changed_, mu_, next_time_);
  return !stopping_;
}

void PeriodicTask::Run(const std::function<void()>& task) {
  while (AwaitNextTime()) {
    task();
    const SteadyLock lock(&mu_);
    next_time_ = clock_.After(interval_);
  }
}

}  // namespace freshet
