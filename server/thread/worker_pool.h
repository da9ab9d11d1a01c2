// A fixed set of threads that run tasks in the order in which they are posted.

#ifndef FRESHET_SERVER_THREAD_WORKER_POOL_H_
#define FRESHET_SERVER_THREAD_WORKER_POOL_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "server/thread/steady_clock.h"

namespace freshet {

// Its threads give way to those that answer calls; see thread_priority.h.
//
// Pools whose tasks post tasks to each other must be ended together, by EndAll(), while all of them
// exist: if they were ended one after the other, tasks of the last one could post to a pool that is
// gone. A pool that has ended may still be used: it destroys posted tasks without running them.
//
// Thread-safe. A task must not throw, and should be short if others wait for the threads.
class WorkerPool {
 public:
  // `name` names the threads, 11 characters at most. REQUIRES: thread_count >= 1.
  WorkerPool(const std::string& name, int thread_count, SteadyClock& clock = SteadyClock::System());

  // Calls EndAll() for this pool alone, unless it has ended.
  ~WorkerPool();

  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Runs `task` on one of the threads. Once the pool has ended, `task` is destroyed on the calling
  // thread instead, before Post() returns.
  void Post(std::function<void()> task);

  // The same after a pause, or as soon as the pool begins to end.
  void PostAfter(absl::Duration pause, std::function<void()> task);

  // Whether tasks wait for a thread.
  bool has_waiting_tasks() const;

  // Runs all tasks that were posted to any of the pools, and the tasks that these post to any of
  // them, until none is left; then ends all threads. Blocks for as long as that takes. PostAfter()
  // does not pause any more, so a task must not post itself again forever. Others should have
  // stopped posting: tasks that come too late are not run. REQUIRES: called once for each pool, by
  // a thread that belongs to none of them.
  static void EndAll(std::span<WorkerPool* const> pools);

 private:
  void RunThread();
  // Waits for the next task; null once the pool has ended.
  std::function<void()> NextTask();
  // Says that the task that NextTask() returned is done and destroyed.
  void FinishTask();
  // Moves the delayed tasks whose time has come into the queue.
  void TakeDueTasks() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // The steps of EndAll().
  void BeginEnd();
  void AwaitIdle();
  uint64_t posted_count() const;
  void EndThreads();

  SteadyClock& clock_;

  mutable SteadyMutex mu_;
  SteadyCondition work_;  // Tells the threads of a task, or of the end.
  SteadyCondition idle_;  // Tells AwaitIdle().
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mu_);
  std::multimap<SteadyTime, std::function<void()>> delayed_tasks_ ABSL_GUARDED_BY(mu_);
  size_t running_count_ ABSL_GUARDED_BY(mu_) = 0;   // Tasks that are running.
  uint64_t posted_count_ ABSL_GUARDED_BY(mu_) = 0;  // All tasks that were ever posted.
  bool ending_ ABSL_GUARDED_BY(mu_) = false;        // PostAfter() does not pause any more.
  bool ended_ ABSL_GUARDED_BY(mu_) = false;         // No task is accepted any more.

  std::vector<std::thread> threads_;  // Constant after construction, until they are joined.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_THREAD_WORKER_POOL_H_
