// A fixed set of threads that run tasks in the order they come.

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
// Pools whose tasks post tasks to each other end together, by EndAll(), while all of them still
// stand: one after the other would leave tasks of the last with a pool that is gone. A pool that
// has ended stays a good object: what is posted to it is destroyed and never run.
//
// Thread-safe. A task must not throw, and should be short where others wait.
class WorkerPool {
 public:
  // `name` names the threads, 11 characters at most. REQUIRES: thread_count >= 1.
  WorkerPool(const std::string& name, int thread_count, SteadyClock& clock = SteadyClock::System());

  // EndAll() of this pool alone, unless it has ended.
  ~WorkerPool();

  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Runs `task` on one of the threads. Once the pool has ended, `task` is destroyed on the calling
  // thread instead, before Post() returns.
  void Post(std::function<void()> task);

  // The same after a pause, or as soon as the pool is to end.
  void PostAfter(absl::Duration pause, std::function<void()> task);

  // Whether tasks wait for a thread.
  bool has_waiting_tasks() const;

  // Runs every task that was posted to any of the pools, and those that these post to any of them,
  // until none is left; then ends the threads of all. Blocks for as long as that takes. From now on
  // pauses of PostAfter() are over at once, so a task must not post itself again for ever. Whoever
  // else posts should have stopped: what comes too late is not run. REQUIRES: called once for each
  // pool, by a thread of none of them.
  static void EndAll(std::span<WorkerPool* const> pools);

 private:
  void RunThread();
  // Waits for the next task; null where there will be none.
  std::function<void()> NextTask();
  // The task that NextTask() gave is done, and destroyed.
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
  SteadyCondition work_;  // For the threads: a task, or the end.
  SteadyCondition idle_;  // For AwaitIdle().
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mu_);
  std::multimap<SteadyTime, std::function<void()>> delayed_tasks_ ABSL_GUARDED_BY(mu_);
  size_t running_count_ ABSL_GUARDED_BY(mu_) = 0;   // Tasks.
  uint64_t posted_count_ ABSL_GUARDED_BY(mu_) = 0;  // Tasks, ever.
  bool ending_ ABSL_GUARDED_BY(mu_) = false;        // Pauses are over.
  bool ended_ ABSL_GUARDED_BY(mu_) = false;         // No task is taken any more.

  std::vector<std::thread> threads_;  // Constant after construction, until they are joined.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_THREAD_WORKER_POOL_H_
