// Limits on what a single client may use.

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

// Counts requests, examples and streams per client; a client is any string. Refusals are
// RESOURCE_EXHAUSTED, name the setting, and carry how long to wait; see RetryAfter().
//
// Thread-safe. Without a limit, requests and examples take no lock. With one, only calls of clients
// in the same part of the table wait for each other.
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

  // Changes the limits from now on; what clients have used already stays counted.
  void SetOptions(Options options);

  // Whether requests are limited, so that the caller has to be determined for TakeRequest().
  bool limits_requests() const { return requests_per_second_.load(std::memory_order_relaxed) != 0; }

  absl::Status TakeRequest(const std::string& client);
  // Takes all `count` examples or none. A batch larger than the limit of a second is let through,
  // and the next batches wait correspondingly longer.
  absl::Status TakeExamples(const std::string& client, uint64_t count);
  absl::Status TakeStream(const std::string& client);
  // REQUIRES: TakeStream() returned OK.
  void GiveStreamBack(const std::string& client);

 private:
  // Of a part of the table: full buckets are not looked for below.
  static constexpr size_t kManyClients = 256;

  // A token bucket. Fills at a given rate, up to the amount of two seconds; may be overdrawn once.
  struct Bucket {
    double level = 0;
    SteadyTime filled;
  };
  struct Buckets {
    std::map<std::string, Bucket> by_client;
    size_t sweep_at = kManyClients;  // Full ones are removed once there are so many.
  };

  // What the clients of one part of the table have used.
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
  // Takes `count` from the client's bucket and returns zero, or returns how long to wait. REQUIRES:
  // the caller holds the lock of the part that `buckets` belong to.
  absl::Duration Take(Buckets& buckets, const std::string& client, double count, double rate) const;

  SteadyClock& clock_;

  // The options. Each is atomic by itself; together they need not be from the same SetOptions()
  // call.
  std::atomic<uint32_t> requests_per_second_{0};
  std::atomic<uint64_t> examples_per_second_{0};
  std::atomic<uint32_t> max_streams_{0};

  std::array<Part, kParts> parts_;
};

// A RESOURCE_EXHAUSTED status that carries how long to wait before trying again.
absl::Status TryAgainAfter(std::string_view message, absl::Duration wait);

// The wait that TryAgainAfter() put into a status; zero if there is none.
absl::Duration RetryAfter(const absl::Status& status);

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_CLIENT_LIMITS_H_
