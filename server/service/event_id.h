// Ids for events that came without one.

#ifndef FRESHET_SERVER_SERVICE_EVENT_ID_H_
#define FRESHET_SERVER_SERVICE_EVENT_ID_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace freshet {

// The random part of an id.
using EventIdBits = std::array<uint8_t, 10>;

// A ULID (https://github.com/ulid/spec): 26 characters of Crockford's base 32, the milliseconds
// since 1970 first, so that ids sort by time. Times before 1970 count as 1970.
std::string FormatEventId(absl::Time time, const EventIdBits& random);

// `count` ids of this time, random by the system's source of randomness, which nobody can guess.
absl::StatusOr<std::vector<std::string>> NewEventIds(absl::Time time, size_t count);

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_EVENT_ID_H_
