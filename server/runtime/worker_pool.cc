#include "server/runtime/worker_pool.h"

#include <pthread.h>

#include <utility>

#include "absl/time/clock.h"
#include "server/runtime/thread_priority.h"

namespace freshet {

WorkerPool::WorkerPool(const std::string& name, int thread_count) {
  threads_.reserve(static_cast<size_t>(thread_count));
  for (int i = 0; i < thread_count; ++i) {
    threads_.emplace_back([this] { RunThread(); });
    const std::string thread_name = name + "-" + std::to_string(i);
    pthread_setname_np(threads_.back().native_handle(), thread_name.substr(0, 15).c_str());
  }
}

WorkerPool::~WorkerPool() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
}

void WorkerPool::Post(std::function<void()> task) {
  absl::MutexLock lock(&mu_);
  tasks_.push_back(std::move(task));
}

bool WorkerPool::has_waiting_tasks() const {
  absl::MutexLock lock(&mu_);
  return !tasks_.empty();
}

void WorkerPool::PostAfter(absl::Duration pause, std::function<void()> task) {
  const absl::Time due = absl::Now() + pause;
  absl::MutexLock lock(&mu_);
  delayed_tasks_.emplace(due, std::move(task));
}

void WorkerPool::TakeDueTasks() {
  const absl::Time now = absl::Now();
  while (!delayed_tasks_.empty() && (stopping_ || delayed_tasks_.begin()->first <= now)) {
    tasks_.push_back(std::move(delayed_tasks_.begin()->second));
    delayed_tasks_.erase(delayed_tasks_.begin());
  }
}

std::function<void()> WorkerPool::NextTask() {
  absl::MutexLock lock(&mu_);
  while (true) {
    TakeDueTasks();
    if (!tasks_.empty()) {
      std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      return task;
    }
    if (stopping_) return nullptr;
    const absl::Time due =
        delayed_tasks_.empty() ? absl::InfiniteFuture() : delayed_tasks_.begin()->first;
    const auto changed = [this, due]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
      return stopping_ || !tasks_.empty() ||
             (!delayed_tasks_.empty() && delayed_tasks_.begin()->first < due);
    };
    mu_.AwaitWithTimeout(absl::Condition(&changed), due - absl::Now());
  }
}

void WorkerPool::RunThread() {
  GiveWay();
  while (const std::function<void()> task = NextTask()) task();
}

}  // namespace freshet
