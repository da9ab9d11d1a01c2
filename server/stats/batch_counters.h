#ifndef FRESHET_SERVER_STATS_BATCH_COUNTERS_H_
#define FRESHET_SERVER_STATS_BATCH_COUNTERS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"

namespace freshet {

// Counts what became of the batches of one model since the server started. Thread-safe; takes no
// lock.
class BatchCounters {
 public:
  static constexpr size_t kCodes = 17;  // The number of values of absl::StatusCode.

  // Counts a batch that was answered with `code`; OK if it was learned.
  void CountAnswer(absl::StatusCode code) { Add(answers_[IndexOf(code)], 1); }
  // Counts a batch that was acknowledged because it had been learned before.
  void CountDuplicate() { Add(duplicates_, 1); }
  // Counts the bad rows of a batch that was refused because of them.
  void CountBadRows(uint64_t count) { Add(bad_rows_, count); }
  // Counts rows of a prediction that were to be logged as events, and were not since the model's
  // queue was full or the log could not be written.
  void CountUnloggedEvents(uint64_t count) { Add(unlogged_events_, count); }

  uint64_t answers(absl::StatusCode code) const { return answers_[IndexOf(code)]; }
  uint64_t duplicates() const { return duplicates_; }
  uint64_t bad_rows() const { return bad_rows_; }
  uint64_t unlogged_events() const { return unlogged_events_; }

 private:
  using Counter = std::atomic<uint64_t>;

  static size_t IndexOf(absl::StatusCode code) {
    const auto index = static_cast<size_t>(code);
    return index < kCodes ? index : static_cast<size_t>(absl::StatusCode::kUnknown);
  }
  static void Add(Counter& counter, uint64_t count) {
    counter.fetch_add(count, std::memory_order_relaxed);
  }

  std::array<Counter, kCodes> answers_{};
  Counter duplicates_{0};
  Counter bad_rows_{0};
  Counter unlogged_events_{0};
};

}  // namespace freshet

#endif  // FRESHET_SERVER_STATS_BATCH_COUNTERS_H_
