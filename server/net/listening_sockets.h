// The sockets that a server listens on, and checks of who can reach them.

#ifndef FRESHET_SERVER_NET_LISTENING_SOCKETS_H_
#define FRESHET_SERVER_NET_LISTENING_SOCKETS_H_

#include <sys/socket.h>
#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/file/posix_file.h"
#include "server/listen_address.h"

namespace freshet {

// An address in the operating system's form.
struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t size = 0;

  // Whether only programs on this machine can reach a socket at this address: true for loopback
  // addresses, including IPv4-mapped ones (::ffff:127.0.0.1), and for Unix sockets.
  bool is_local() const;
  // The numeric address without the port, such as 127.0.0.1 or ::1; "unix" for a Unix socket.
  std::string host() const;
  // For example 127.0.0.1:7400 or [::1]:7400. REQUIRES: not a Unix socket.
  std::string host_port() const;
};

// The addresses that `address` stands for now, which may be several for a host name. UNAVAILABLE if
// the name cannot be resolved; the message names `setting`.
absl::StatusOr<std::vector<SocketAddress>> Resolve(std::string_view setting,
                                                   const ListenAddress& address);

// Who may reach the sockets of a server.
struct Reach {
  // Why only programs on this machine may reach them; empty if others may, too.
  std::string_view unprotected;
};

// OK if `addresses` can be reached only by those who may; otherwise INVALID_ARGUMENT names the
// setting, the address and what to do. `text` is the value of the setting as the user wrote it.
absl::Status CheckReach(std::string_view setting, std::string_view text,
                        const std::vector<SocketAddress>& addresses, const Reach& reach);

// The sockets of one setting. Owns their descriptors, and removes the file of a Unix socket when
// destroyed.
class ListeningSockets {
 public:
  // Binds all addresses that `address` stands for, with the same port, and does not listen yet.
  // `reach` is checked on the addresses that were really bound. Addresses of a host name that this
  // machine does not have are left out, such as ::1 without IPv6. INVALID_ARGUMENT as for
  // CheckReach(); UNAVAILABLE if an address is in use or cannot be bound.
  static absl::StatusOr<ListeningSockets> Bind(std::string_view setting,
                                               const ListenAddress& address, const Reach& reach);

  ListeningSockets(ListeningSockets&& other) noexcept;
  ListeningSockets& operator=(ListeningSockets&&) = delete;
  ~ListeningSockets();

  // Starts to accept connections.
  absl::Status Listen() const;

  // The address as the user wrote it, with the port that was taken; host:port or unix:PATH.
  const std::string& address() const { return text_; }
  bool is_local() const { return is_local_; }
  // Non-blocking sockets, one per bound address.
  const std::vector<FileDescriptor>& descriptors() const { return descriptors_; }

 private:
  ListeningSockets() = default;

  // Binds all of `addresses`. If their port is 0, the first takes a free port and the others the
  // same one.
  absl::Status BindAll(std::vector<SocketAddress> addresses);
  absl::Status BindOne(const SocketAddress& address);
  absl::Status BindUnix(const ListenAddress& address);

  std::vector<FileDescriptor> descriptors_;
  std::vector<SocketAddress> bound_;  // The address of each descriptor, as the operating system
                                      // reports it.
  std::string text_;
  std::string unix_path_;  // The file to remove; empty: none.
  bool is_local_ = false;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_NET_LISTENING_SOCKETS_H_
