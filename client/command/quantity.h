// Parses and formats sizes and durations as people type them.

#ifndef FRESHET_CLIENT_COMMAND_QUANTITY_H_
#define FRESHET_CLIENT_COMMAND_QUANTITY_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace freshet {

// Bytes from "1500", "10G" (k, M, G and T are powers of 1000) or "10Gi" (powers of 1024); a B may
// follow. INVALID_ARGUMENT for anything else.
absl::StatusOr<uint64_t> ParseBytes(std::string_view text);

// Seconds from "90", "90s", "30m", "12h" or "7d". INVALID_ARGUMENT for anything else.
absl::StatusOr<uint64_t> ParseSeconds(std::string_view text);

// The shortest text, with a unit, that ParseSeconds() reads as `seconds`: "7d", "90s".
std::string SecondsText(uint64_t seconds);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_QUANTITY_H_
