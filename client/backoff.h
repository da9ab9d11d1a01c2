// Computes how long to wait before retrying.

#ifndef FRESHET_CLIENT_BACKOFF_H_
#define FRESHET_CLIENT_BACKOFF_H_

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>

namespace freshet {

// Exponential backoff with jitter: the n-th wait is drawn from [0.5, 1] times
// min(initial * 2^n, max), so that the many clients of one server do not all retry at once. Not
// thread-safe.
class Backoff {
 public:
  // REQUIRES: 0 < initial <= max.
  Backoff(std::chrono::milliseconds initial, std::chrono::milliseconds max, uint64_t seed)
      : initial_(initial), max_(max), next_(initial), random_(seed) {}

  // Returns how long to wait now, and doubles the next wait up to the maximum.
  std::chrono::milliseconds Next() {
    const double share = std::uniform_real_distribution<double>(0.5, 1.0)(random_);
    const auto wait = std::chrono::milliseconds(
        static_cast<int64_t>(share * static_cast<double>(next_.count())) + 1);
    next_ = std::min(2 * next_, max_);
    return wait;
  }

  // Starts again from `initial`.
  void Reset() { next_ = initial_; }

 private:
  const std::chrono::milliseconds initial_;
  const std::chrono::milliseconds max_;
  std::chrono::milliseconds next_;
  std::mt19937_64 random_;
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_BACKOFF_H_
