// Addresses to listen on, as users write them in flags and configuration files.

#ifndef FRESHET_SERVER_LISTEN_ADDRESS_H_
#define FRESHET_SERVER_LISTEN_ADDRESS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace freshet {

// Either a host with a port, or the path of a Unix socket.
struct ListenAddress {
  std::string host;   // A name or a number; IPv6 without brackets. Empty: a Unix socket.
  uint16_t port = 0;  // 0: any free port.
  std::string path;   // Path of a Unix socket, short enough for sockaddr_un. Empty: TCP.

  bool is_unix() const { return !path.empty(); }
};

// The address as ParseListenAddress() takes it: host:port, [IPv6]:port or unix:PATH.
std::string TextOf(const ListenAddress& address);

// Whether an address may be the path of a Unix socket.
enum class UnixSockets { kAllowed, kRefused };

// Reads host:port, [IPv6]:port or unix:PATH. Nothing is guessed: host and port are both required,
// the port is a number from 0 to 65535, and IPv6 is in brackets. INVALID_ARGUMENT names `setting`,
// what is wrong, and the right form.
absl::StatusOr<ListenAddress> ParseListenAddress(std::string_view setting, std::string_view text,
                                                 UnixSockets unix_sockets);

}  // namespace freshet

#endif  // FRESHET_SERVER_LISTEN_ADDRESS_H_
