// Callers that make calls one after the other, and how long each took.

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

// Runs from construction until Stop(), or until it is destroyed, which waits for the calls under
// way unless they are cancelled.
class CallLoop {
 public:
  // Makes one call. Called by all callers at the same time.
  using Call = std::function<grpc::Status(grpc::ClientContext&)>;

  CallLoop(int callers, Call call) : call_(std::move(call)) {
    for (int i = 0; i < callers; ++i) {
      threads_.emplace_back([this] { Run(); });
    }
  }
  ~CallLoop() { Stop(); }

  CallLoop(const CallLoop&) = delete;
  CallLoop& operator=(const CallLoop&) = delete;

  // Cancels the calls under way.
  void Stop() {
    {
      const absl::MutexLock lock(&mu_);
      stopping_ = true;
      for (const auto& [thread, context] : under_way_) context->TryCancel();
    }
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  // Of the calls that were answered so far, in milliseconds.
  std::vector<double> latencies_ms() const {
    const absl::MutexLock lock(&mu_);
    return latencies_ms_;
  }
  // The first status that was neither OK nor that of a call that Stop() cancelled; OK where there
  // was none.
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

// The value below which `share` of the numbers lie; 0 where there are none.
inline double QuantileOf(std::vector<double> numbers, double share) {
  if (numbers.empty()) return 0;
  const auto rank = std::min(numbers.size() - 1,
                             static_cast<size_t>(share * static_cast<double>(numbers.size())));
  std::nth_element(numbers.begin(), numbers.begin() + static_cast<ptrdiff_t>(rank), numbers.end());
  return numbers[rank];
}

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_CALL_LOOP_H_
