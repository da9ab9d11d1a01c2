// What a single client may take.

#ifndef FRESHET_SERVER_SERVICE_CLIENT_LIMITS_H_
#define FRESHET_SERVER_SERVICE_CLIENT_LIMITS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/thread/steady_clock.h"

namespace freshet {

// Counts by client, which is any name. Refusals are RESOURCE_EXHAUSTED, name the setting, and carry
// how long to wait; see RetryAfter().
//
// Thread-safe. Where there is no limit, requests and examples take no lock; else only calls of
// clients that share a part of the table wait for each other.
class ClientLimits {
 public:
  // See v1.ClientLimitsConfig; 0: no limit.
  struct Options {
    uint32_t requests_per_second = 0;
    uint64_t examples_per_second = 0;
    uint32_t max_streams = 0;
  };

  explicit ClientLimits(Options options, SteadyClock& clock = SteadyClock::System())
      : clock_(clock) {
    SetOptions(options);
  }

  // From now on; what was taken stays taken.
  void SetOptions(Options options);

  // Whether there is a limit of requests, so that TakeRequest() needs to know who calls.
  bool limits_requests() const { return requests_per_second_.load(std::memory_order_relaxed) != 0; }

  absl::Status TakeRequest(const std::string& client);
  // All of them, or none. A batch larger than what a second allows comes through, and the next ones
  // wait for it.
  absl::Status TakeExamples(const std::string& client, uint64_t count);
  absl::Status TakeStream(const std::string& client);
  // REQUIRES: TakeStream() was OK.
  void GiveStreamBack(const std::string& client);

 private:
  // Fills at a rate, up to what two seconds bring; may be overdrawn once.
  struct Bucket {
    double level = 0;
    SteadyTime filled;
  };
  using Buckets = std::map<std::string, Bucket>;

  // What some of the clients have taken.
  struct Part {
    absl::Mutex mu;
    Buckets requests ABSL_GUARDED_BY(mu);
    Buckets examples ABSL_GUARDED_BY(mu);
    std::map<std::string, uint32_t> streams ABSL_GUARDED_BY(mu);
  };
  static constexpr size_t kParts = 16;

  Part& PartOf(const std::string& client) {
    return parts_[std::hash<std::string>()(client) % kParts];
  }
  // Zero where it could be taken; else how long to wait. The caller holds the lock of the part that
  // `buckets` are of.
  absl::Duration Take(Buckets& buckets, const std::string& client, double count, double rate) const;

  SteadyClock& clock_;

  // Options: each by itself is whole, and they need not agree.
  std::atomic<uint32_t> requests_per_second_{0};
  std::atomic<uint64_t> examples_per_second_{0};
  std::atomic<uint32_t> max_streams_{0};

  std::array<Part, kParts> parts_;
};

// RESOURCE_EXHAUSTED that carries how long to wait before trying again.
absl::Status TryAgainAfter(std::string_view message, absl::Duration wait);

// What it carries; zero where a status carries nothing of the kind.
absl::Duration RetryAfter(const absl::Status& status);

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_CLIENT_LIMITS_H_
