// A fixed set of threads that run tasks in the order they come.

#ifndef FRESHET_SERVER_RUNTIME_WORKER_POOL_H_
#define FRESHET_SERVER_RUNTIME_WORKER_POOL_H_

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace freshet {

// Its threads give way to those that answer calls; see thread_priority.h.
//
// Thread-safe. A task must not throw, and should be short where others wait.
class WorkerPool {
 public:
  // `name` names the threads, 11 characters at most. REQUIRES: thread_count >= 1.
  WorkerPool(const std::string& name, int thread_count);

  // Runs every task that was posted, then ends the threads.
  ~WorkerPool();

  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Runs `task` on one of the threads. Tasks posted from a task also run before the pool ends.
  void Post(std::function<void()> task);

  // Whether tasks wait for a thread.
  bool has_waiting_tasks() const;

  // Runs `task` after a pause, or as soon as the pool is ended.
  void PostAfter(absl::Duration pause, std::function<void()> task);

 private:
  void RunThread();
  // Waits for the next task; null where there will be none.
  std::function<void()> NextTask();
  // Moves the delayed tasks whose time has come into the queue.
  void TakeDueTasks() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable absl::Mutex mu_;
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mu_);
  std::multimap<absl::Time, std::function<void()>> delayed_tasks_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;

  std::vector<std::thread> threads_;  // Constant after construction.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_RUNTIME_WORKER_POOL_H_
