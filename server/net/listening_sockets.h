// Sockets that connections come in through.

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

// An address as the operating system takes it.
struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t size = 0;

  // Whether programs of this machine alone can reach what listens there: loopback, also as IPv6
  // writes an address of IPv4 (::ffff:127.0.0.1), and Unix sockets.
  bool is_local() const;
  // The number without the port, as 127.0.0.1 or ::1; "unix" for a Unix socket.
  std::string host() const;
  // As 127.0.0.1:7400 or [::1]:7400. REQUIRES: no Unix socket.
  std::string host_port() const;
};

// What `address` stands for now: for a name that may be several. UNAVAILABLE where the name is not
// known.
absl::StatusOr<std::vector<SocketAddress>> Resolve(std::string_view setting,
                                                   const ListenAddress& address);

// Who may reach a socket.
struct Reach {
  // Why nobody but programs of this machine may; empty where others may too.
  std::string_view unprotected;
};

// OK where nobody reaches `addresses` who may not; else INVALID_ARGUMENT names the setting, the
// address and the ways out.
absl::Status CheckReach(std::string_view setting, std::string_view text,
                        const std::vector<SocketAddress>& addresses, const Reach& reach);

// The sockets of one setting. Removes the file of a Unix socket when destroyed.
class ListeningSockets {
 public:
  // Binds all that `address` stands for, under one port, and does not listen yet. Who may reach
  // them is decided on the addresses that were really taken. INVALID_ARGUMENT as CheckReach();
  // UNAVAILABLE where an address is in use or cannot be had. Of the addresses of a name those are
  // left out that this machine does not have, as ::1 where there is no IPv6.
  static absl::StatusOr<ListeningSockets> Bind(std::string_view setting,
                                               const ListenAddress& address, const Reach& reach);

  ListeningSockets(ListeningSockets&& other) noexcept;
  ListeningSockets& operator=(ListeningSockets&&) = delete;
  ~ListeningSockets();

  // Lets connections come in.
  absl::Status Listen() const;

  // As it was written, with the port that was taken; host:port or unix:PATH.
  const std::string& address() const { return text_; }
  bool is_local() const { return is_local_; }
  // Not blocking, and neither are the sockets that they accept.
  const std::vector<FileDescriptor>& descriptors() const { return descriptors_; }

 private:
  ListeningSockets() = default;

  // Binds all of `addresses` to `port`, or the first to any and the others to the same.
  absl::Status BindAll(std::vector<SocketAddress> addresses);
  absl::Status BindOne(const SocketAddress& address);
  absl::Status BindUnix(const ListenAddress& address);

  std::vector<FileDescriptor> descriptors_;
  std::vector<SocketAddress> bound_;  // As the operating system says, one a descriptor.
  std::string text_;
  std::string unix_path_;  // To be removed; empty: nothing.
  bool is_local_ = false;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_NET_LISTENING_SOCKETS_H_
