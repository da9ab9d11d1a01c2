// Threads that each make one call after another, and measure how long each call takes.

#ifndef FRESHET_TESTS_SUPPORT_CALL_LOOP_H_
#define FRESHET_TESTS_SUPPORT_CALL_LOOP_H_

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"

namespace freshet {

// Calls from construction until Stop(), which the destructor calls too. Thread-safe but for Stop().
class CallLoop {
 public:
  // Makes one call. All callers run it at the same time, so it must be thread-safe.
  using Call = std::function<grpc::Status(grpc::ClientContext&)>;

  CallLoop(int callers, Call call) : call_(std::move(call)) {
    for (int i = 0; i < callers; ++i) {
      threads_.emplace_back([this] { Run(); });
    }
  }
  ~CallLoop() { Stop(); }

  CallLoop(const CallLoop&) = delete;
  CallLoop& operator=(const CallLoop&) = delete;

  // Cancels the calls under way, and returns once all callers have ended.
  void Stop() {
    {
      const absl::MutexLock lock(&mu_);
      stopping_ = true;
      for (const auto& [thread, context] : under_way_) context->TryCancel();
    }
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  // The durations of the calls answered so far, in milliseconds.
  std::vector<double> latencies_ms() const {
    const absl::MutexLock lock(&mu_);
    return latencies_ms_;
  }
  // The first error of a call, not counting calls that Stop() cancelled; OK if there was none.
  grpc::Status failure() const {
    const absl::MutexLock lock(&mu_);
    return failure_;
  }

 private:
  void Run() {
    while (true) {
      grpc::ClientContext context;
      {
        const absl::MutexLock lock(&mu_);
        if (stopping_) return;
        under_way_[std::this_thread::get_id()] = &context;
      }
      const auto begin = std::chrono::steady_clock::now();
      const grpc::Status status = call_(context);
      const std::chrono::duration<double, std::milli> took =
          std::chrono::steady_clock::now() - begin;
      const absl::MutexLock lock(&mu_);
      under_way_.erase(std::this_thread::get_id());
      if (stopping_) return;
      latencies_ms_.push_back(took.count());
      if (!status.ok() && failure_.ok()) failure_ = status;
    }
  }

  const Call call_;
  mutable absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::map<std::thread::id, grpc::ClientContext*> under_way_ ABSL_GUARDED_BY(mu_);
  std::vector<double> latencies_ms_ ABSL_GUARDED_BY(mu_);
  grpc::Status failure_ ABSL_GUARDED_BY(mu_);
  std::vector<std::thread> threads_;
};

// The value below which `share` of the numbers lie; 0 if there are no numbers.
inline double QuantileOf(std::vector<double> numbers, double share) {
  if (numbers.empty()) return 0;
  const auto rank = std::min(numbers.size() - 1,
                             static_cast<size_t>(share * static_cast<double>(numbers.size())));
  std::nth_element(numbers.begin(), numbers.begin() + static_cast<ptrdiff_t>(rank), numbers.end());
  return numbers[rank];
}

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_CALL_LOOP_H_
