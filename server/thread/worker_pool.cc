#include "server/thread/worker_pool.h"

#include <pthread.h>

#include <array>
#include <utility>

#include "server/thread/thread_priority.h"

namespace freshet {

WorkerPool::WorkerPool(const std::string& name, int thread_count, SteadyClock& clock)
    : clock_(clock) {
  threads_.reserve(static_cast<size_t>(thread_count));
  for (int i = 0; i < thread_count; ++i) {
    threads_.emplace_back([this] { RunThread(); });
    const std::string thread_name = name + "-" + std::to_string(i);
    pthread_setname_np(threads_.back().native_handle(), thread_name.substr(0, 15).c_str());
  }
}

WorkerPool::~WorkerPool() {
  if (threads_.empty()) return;  // It has ended.
  const std::array<WorkerPool*, 1> self = {this};
  EndAll(self);
}

void WorkerPool::Post(std::function<void()> task) {
  {
    const SteadyLock lock(&mu_);
    if (!ended_) {
      tasks_.push_back(std::move(task));
      ++posted_count_;
    }
  }
  work_.NotifyOne();
}

void WorkerPool::PostAfter(absl::Duration pause, std::function<void()> task) {
  const SteadyTime due = clock_.After(pause);
  {
    const SteadyLock lock(&mu_);
    if (!ended_) {
      delayed_tasks_.emplace(due, std::move(task));
      ++posted_count_;
    }
  }
  // Every waiting thread has to learn when to wake up, since the next task may occupy any of them.
  work_.NotifyAll();
}

bool WorkerPool::has_waiting_tasks() const {
  const SteadyLock lock(&mu_);
  return !tasks_.empty();
}

void WorkerPool::TakeDueTasks() {
  if (delayed_tasks_.empty()) return;
  const SteadyTime now = clock_.Now();
  while (!delayed_tasks_.empty() && (ending_ || delayed_tasks_.begin()->first <= now)) {
    tasks_.push_back(std::move(delayed_tasks_.begin()->second));
    delayed_tasks_.erase(delayed_tasks_.begin());
  }
}

std::function<void()> WorkerPool::NextTask() {
  const SteadyLock lock(&mu_);
  while (true) {
    TakeDueTasks();
    if (!tasks_.empty()) {
      std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      ++running_count_;
      return task;
    }
    if (ended_) return nullptr;
    clock_.WaitUntil(work_, mu_,
                     delayed_tasks_.empty() ? SteadyTime::max() : delayed_tasks_.begin()->first);
  }
}

void WorkerPool::FinishTask() {
  const SteadyLock lock(&mu_);
  --running_count_;
  if (ending_) idle_.NotifyAll();
}

void WorkerPool::RunThread() {
  GiveWay();
  while (std::function<void()> task = NextTask()) {
    task();
    task = nullptr;  // Destroys what it holds before the pool counts as idle.
    FinishTask();
  }
}

void WorkerPool::BeginEnd() {
  const SteadyLock lock(&mu_);
  ending_ = true;
  work_.NotifyAll();
}

void WorkerPool::AwaitIdle() {
  const SteadyLock lock(&mu_);
  while (!tasks_.empty() || !delayed_tasks_.empty() || running_count_ > 0) idle_.Wait(mu_);
}

uint64_t WorkerPool::posted_count() const {
  const SteadyLock lock(&mu_);
  return posted_count_;
}

void WorkerPool::EndThreads() {
  {
    const SteadyLock lock(&mu_);
    ended_ = true;
    work_.NotifyAll();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void WorkerPool::EndAll(std::span<WorkerPool* const> pools) {
  const auto posted = [pools] {
    uint64_t count = 0;
    for (const WorkerPool* pool : pools) count += pool->posted_count();
    return count;
  };
  for (WorkerPool* pool : pools) pool->BeginEnd();
  // A pool that was found idle may get work from one that is checked after it. So repeat until no
  // task was posted while all pools were checked; then all are idle.
  uint64_t before;
  do {
    before = posted();
    for (WorkerPool* pool : pools) pool->AwaitIdle();
  } while (posted() != before);
  for (WorkerPool* pool : pools) pool->EndThreads();
}

}  // namespace freshet
