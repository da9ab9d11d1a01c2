// Network addresses as users write them.

#ifndef FRESHET_CORE_BASE_HOST_PORT_H_
#define FRESHET_CORE_BASE_HOST_PORT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace freshet {

struct HostPort {
  std::string host;  // A name or a number; IPv6 without brackets.
  uint16_t port = 0;

  // host:port, with IPv6 in brackets.
  std::string ToString() const;
};

// Reads host:port or [IPv6]:port; the port is a number from 0 to 65535. With a default port, the
// port may be left out, and IPv6 without port needs no brackets. The message of INVALID_ARGUMENT
// says only what is wrong, for example "the port is missing".
absl::StatusOr<HostPort> ParseHostPort(std::string_view text,
                                       std::optional<uint16_t> default_port = std::nullopt);

}  // namespace freshet

#endif  // FRESHET_CORE_BASE_HOST_PORT_H_
