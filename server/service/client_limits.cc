#include "server/service/client_limits.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr Seconds kBurst(2);
// A client that has to wait waits until this much has been refilled, so that it does not come back
// for every single batch.
constexpr double kRefillSeconds = 0.5;

constexpr char kRetryAfterMs[] = "freshet.v1/retry-after-ms";

}  // namespace

absl::Status TryAgainAfter(std::string_view message, absl::Duration wait) {
  const int64_t ms = std::max<int64_t>(1, absl::ToInt64Milliseconds(wait));
  absl::Status status = absl::ResourceExhaustedError(StrCat(message, "; try again in ", ms, " ms"));
  status.SetPayload(kRetryAfterMs, absl::Cord(absl::StrCat(ms)));
  return status;
}

absl::Duration RetryAfter(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kRetryAfterMs);
  int64_t ms = 0;
  if (!payload || !absl::SimpleAtoi(std::string(*payload), &ms)) return absl::ZeroDuration();
  return absl::Milliseconds(ms);
}

void ClientLimits::SetOptions(Options options) {
  requests_per_second_.store(options.requests_per_second, std::memory_order_relaxed);
  examples_per_second_.store(options.examples_per_second, std::memory_order_relaxed);
  max_streams_.store(options.max_streams, std::memory_order_relaxed);
}

absl::Duration ClientLimits::Take(Buckets& buckets, const std::string& client, double count,
                                  double rate) const {
  const SteadyTime now = clock_.Now();
  const double capacity = rate * kBurst.count();
  if (buckets.by_client.size() >= buckets.sweep_at) {
    // Buckets that are full by now: whoever comes back finds a new one, which is full too.
    std::erase_if(buckets.by_client, [&](const auto& entry) {
      const Bucket& idle = entry.second;
      return idle.level + rate * Seconds(now - idle.filled).count() >= capacity;
    });
    // Those that are left are not looked through again for every call.
    buckets.sweep_at = std::max(kManyClients, 2 * buckets.by_client.size());
  }
  const auto [entry, is_new] = buckets.by_client.try_emplace(client, Bucket{capacity, now});
  Bucket& bucket = entry->second;
  bucket.level = std::min(capacity, bucket.level + rate * Seconds(now - bucket.filled).count());
  bucket.filled = now;
  if (bucket.level <= 0) {
    return absl::Seconds((kRefillSeconds * rate - bucket.level) / rate);
  }
  bucket.level -= count;
  return absl::ZeroDuration();
}

absl::Status ClientLimits::TakeRequest(const std::string& client) {
  const uint32_t rate = requests_per_second_.load(std::memory_order_relaxed);
  if (rate == 0) return absl::OkStatus();
  Part& part = PartOf(client);
  absl::MutexLock lock(&part.mu);
  const absl::Duration wait = Take(part.requests, client, 1, rate);
  if (wait == absl::ZeroDuration()) return absl::OkStatus();
  return TryAgainAfter(StrCat(client, " makes more than ", rate,
                              " calls a second (client_limits.requests_per_second)"),
                       wait);
}

absl::Status ClientLimits::TakeExamples(const std::string& client, uint64_t count) {
  const uint64_t rate = examples_per_second_.load(std::memory_order_relaxed);
  if (rate == 0) return absl::OkStatus();
  Part& part = PartOf(client);
  absl::MutexLock lock(&part.mu);
  const absl::Duration wait =
      Take(part.examples, client, static_cast<double>(count), static_cast<double>(rate));
  if (wait == absl::ZeroDuration()) return absl::OkStatus();
  return TryAgainAfter(StrCat(client, " pushes more than ", rate,
                              " examples a second (client_limits.examples_per_second)"),
                       wait);
}

absl::Status ClientLimits::TakeStream(const std::string& client) {
  const uint32_t most = max_streams_.load(std::memory_order_relaxed);
  Part& part = PartOf(client);
  absl::MutexLock lock(&part.mu);
  uint32_t& count = part.streams[client];
  if (most != 0 && count >= most) {
    return TryAgainAfter(
        StrCat(client, " has ", count,
               " streams of Learn and Feedback (client_limits.max_streams); close one"),
        absl::Seconds(1));
  }
  ++count;  // Counted even without a limit, since one may be set later.
  return absl::OkStatus();
}

void ClientLimits::GiveStreamBack(const std::string& client) {
  Part& part = PartOf(client);
  absl::MutexLock lock(&part.mu);
  const auto entry = part.streams.find(client);
  if (--entry->second == 0) part.streams.erase(entry);
}

}  // namespace freshet
