// Where a server listens.

#ifndef FRESHET_SERVER_LISTEN_ADDRESS_H_
#define FRESHET_SERVER_LISTEN_ADDRESS_H_

#include <optional>
#include <string>
#include <string_view>

namespace freshet {

struct HostPort {
  std::string host;  // Of IPv6 without its brackets.
  int port = 0;      // 0 to 65535.
};

// Reads host:port or [host]:port; nothing where `text` is something else.
std::optional<HostPort> ParseHostPort(std::string_view text);

// Whether an address, host:port, can be reached by programs of this machine alone. False where that
// is not sure, as with names other than localhost.
bool IsLoopback(std::string_view address);

}  // namespace freshet

#endif  // FRESHET_SERVER_LISTEN_ADDRESS_H_
