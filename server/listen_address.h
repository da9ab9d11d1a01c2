// Where a server is to listen, as people write it.

#ifndef FRESHET_SERVER_LISTEN_ADDRESS_H_
#define FRESHET_SERVER_LISTEN_ADDRESS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace freshet {

// Either a host with a port, or the path of a Unix socket.
struct ListenAddress {
  std::string host;   // A name or a number; of IPv6 without its brackets. Empty: a Unix socket.
  uint16_t port = 0;  // 0 takes a free one.
  std::string path;   // Of a Unix socket, fit for sockaddr_un. Empty: TCP.

  bool is_unix() const { return !path.empty(); }
};

// Whether an address may be the path of a Unix socket.
enum class UnixSockets { kAllowed, kRefused };

// Reads host:port, [IPv6]:port or unix:PATH. Nothing is guessed: a port is a number from 0 to
// 65535, IPv6 stands in brackets, and neither may be missing. INVALID_ARGUMENT names `setting`,
// what is wrong, and the right form.
absl::StatusOr<ListenAddress> ParseListenAddress(std::string_view setting, std::string_view text,
                                                 UnixSockets unix_sockets);

struct HostPort {
  std::string host;  // Of IPv6 without its brackets.
  int port = 0;      // 0 to 65535.
};

// Reads host:port or [host]:port as above; nothing where `text` is something else.
std::optional<HostPort> ParseHostPort(std::string_view text);

// Whether an address, host:port, can be reached by programs of this machine alone. False where that
// is not sure, as with names other than localhost.
bool IsLoopback(std::string_view address);

}  // namespace freshet

#endif  // FRESHET_SERVER_LISTEN_ADDRESS_H_
