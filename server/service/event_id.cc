#include "server/service/event_id.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/status/status.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

constexpr char kCrockfordDigits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr size_t kTimeDigits = 10;
constexpr size_t kRandomDigits = 16;
constexpr int64_t kMaxTimeMs = (int64_t{1} << 48) - 1;

absl::Status FillWithRandomBits(std::vector<EventIdBits>& bits) {
  auto* const bytes = reinterpret_cast<uint8_t*>(bits.data());
  const size_t size = bits.size() * sizeof(EventIdBits);
  for (size_t filled = 0; filled < size;) {
    const ssize_t count = getrandom(bytes + filled, size - filled, 0);
    if (count >= 0) {
      filled += static_cast<size_t>(count);
    } else if (errno != EINTR) {
      return absl::InternalError(
          StrCat("cannot read random bytes from the system: ", std::strerror(errno)));
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::string FormatEventId(absl::Time time, const EventIdBits& random) {
  std::string id(kTimeDigits + kRandomDigits, '0');
  auto time_ms =
      static_cast<uint64_t>(std::clamp<int64_t>(absl::ToUnixMillis(time), 0, kMaxTimeMs));
  for (size_t i = kTimeDigits; i-- > 0; time_ms >>= 5) id[i] = kCrockfordDigits[time_ms & 31];
  // Five bytes are eight digits.
  for (size_t half = 0; half < 2; ++half) {
    uint64_t bits = 0;
    for (size_t i = 0; i < 5; ++i) bits = bits << 8 | random[half * 5 + i];
    for (size_t i = 8; i-- > 0; bits >>= 5) {
      id[kTimeDigits + half * 8 + i] = kCrockfordDigits[bits & 31];
    }
  }
  return id;
}

absl::StatusOr<std::vector<std::string>> NewEventIds(absl::Time time, size_t count) {
  std::vector<EventIdBits> random(count);
  if (absl::Status status = FillWithRandomBits(random); !status.ok()) return status;
  std::vector<std::string> ids;
  ids.reserve(count);
  for (const EventIdBits& bits : random) ids.push_back(FormatEventId(time, bits));
  return ids;
}

}  // namespace freshet
