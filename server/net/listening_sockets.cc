#include "server/net/listening_sockets.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "core/base/str_cat.h"

namespace freshet {
namespace {

// How many connections may wait to be accepted; the system may allow fewer.
constexpr int kBacklog = 1024;

// A port that is free at one address may be in use at another, so finding one may take several
// attempts.
constexpr int kFreePortAttempts = 16;

constexpr int kSocketFlags = SOCK_NONBLOCK | SOCK_CLOEXEC;

const sockaddr* AsSocketAddress(const sockaddr_storage& storage) {
  return reinterpret_cast<const sockaddr*>(&storage);
}

SocketAddress CopyOf(const void* address, socklen_t size) {
  SocketAddress copy;
  std::memcpy(&copy.storage, address, size);
  copy.size = size;
  return copy;
}

bool IsLoopback(const in_addr& address) { return ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET; }

bool IsLoopback(const in6_addr& address) {
  if (!IN6_IS_ADDR_V4MAPPED(&address)) return IN6_IS_ADDR_LOOPBACK(&address);
  in_addr v4 = {};
  std::memcpy(&v4, &address.s6_addr[12], sizeof(v4));
  return IsLoopback(v4);
}

uint16_t PortOf(const SocketAddress& address) {
  return ntohs(address.storage.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6&>(address.storage).sin6_port
                   : reinterpret_cast<const sockaddr_in&>(address.storage).sin_port);
}

void SetPort(SocketAddress& address, uint16_t port) {
  if (address.storage.ss_family == AF_INET6) {
    reinterpret_cast<sockaddr_in6&>(address.storage).sin6_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in&>(address.storage).sin_port = htons(port);
  }
}

bool SetOption(int socket, int level, int option, int value) {
  return setsockopt(socket, level, option, &value, sizeof(value)) == 0;
}

absl::Status SocketError(std::string_view operation) {
  return absl::UnavailableError(StrCat(operation, ": ", std::strerror(errno)));
}

// Whether a process is listening at the path of a Unix socket.
bool AnybodyListens(const sockaddr_un& address) {
  const FileDescriptor probe(socket(AF_UNIX, SOCK_STREAM | kSocketFlags, 0));
  return connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ||
         errno != ECONNREFUSED;
}

}  // namespace

bool SocketAddress::is_local() const {
  switch (storage.ss_family) {
    case AF_UNIX:
      return true;
    case AF_INET:
      return IsLoopback(reinterpret_cast<const sockaddr_in&>(storage).sin_addr);
    case AF_INET6:
      return IsLoopback(reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr);
    default:
      return false;
  }
}

std::string SocketAddress::host() const {
  if (storage.ss_family == AF_UNIX) return "unix";
  std::array<char, NI_MAXHOST> text{};
  const int error = getnameinfo(AsSocketAddress(storage), size, text.data(), text.size(), nullptr,
                                0, NI_NUMERICHOST);
  return error == 0 ? text.data() : "an unknown address";
}

std::string SocketAddress::host_port() const {
  const bool is_ipv6 = storage.ss_family == AF_INET6;
  return StrCat(is_ipv6 ? "[" : "", host(), is_ipv6 ? "]:" : ":", PortOf(*this));
}

absl::StatusOr<std::vector<SocketAddress>> Resolve(std::string_view setting,
                                                   const ListenAddress& address) {
  std::vector<SocketAddress> found;
  if (address.is_unix()) {
    sockaddr_un path = {};
    path.sun_family = AF_UNIX;
    address.path.copy(path.sun_path, sizeof(path.sun_path) - 1);
    found.push_back(CopyOf(&path, sizeof(path)));
    return found;
  }
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int error = getaddrinfo(address.host.c_str(), StrCat(address.port).c_str(), &hints, &list);
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, [](addrinfo* freed) {
    if (freed != nullptr) freeaddrinfo(freed);
  });
  if (error != 0) {
    return absl::UnavailableError(
        StrCat(setting, " is ", address.host, ":", address.port,
               ", and that host cannot be resolved: ", gai_strerror(error)));
  }
  for (const addrinfo* info = list; info != nullptr; info = info->ai_next) {
    SocketAddress next = CopyOf(info->ai_addr, info->ai_addrlen);
    const bool known = std::any_of(found.begin(), found.end(), [&](const SocketAddress& other) {
      return other.size == next.size && std::memcmp(&other.storage, &next.storage, next.size) == 0;
    });
    if (!known) found.push_back(next);
  }
  return found;
}

absl::Status CheckReach(std::string_view setting, std::string_view text,
                        const std::vector<SocketAddress>& addresses, const Reach& reach) {
  if (reach.unprotected.empty()) return absl::OkStatus();
  for (const SocketAddress& address : addresses) {
    if (address.is_local()) continue;
    const std::string host = address.host();
    const bool is_named = text.find(host) == std::string_view::npos;
    return absl::InvalidArgumentError(
        StrCat(setting, " is ", text, is_named ? StrCat(", that is ", host) : "",
               ", which other machines can reach, and ", reach.unprotected,
               "; set tls and auth in the configuration, or --insecure in a network you trust"));
  }
  return absl::OkStatus();
}

ListeningSockets::ListeningSockets(ListeningSockets&& other) noexcept
    : descriptors_(std::move(other.descriptors_)),
      bound_(std::move(other.bound_)),
      text_(std::move(other.text_)),
      unix_path_(std::exchange(other.unix_path_, "")),
      is_local_(other.is_local_) {}

ListeningSockets::~ListeningSockets() {
  if (!unix_path_.empty()) unlink(unix_path_.c_str());
}

absl::StatusOr<ListeningSockets> ListeningSockets::Bind(std::string_view setting,
                                                        const ListenAddress& address,
                                                        const Reach& reach) {
  ListeningSockets sockets;
  absl::Status status;
  sockets.text_ = TextOf(address);
  if (address.is_unix()) {
    status = sockets.BindUnix(address);
  } else {
    absl::StatusOr<std::vector<SocketAddress>> resolved = Resolve(setting, address);
    if (!resolved.ok()) return resolved.status();
    status = CheckReach(setting, sockets.text_, *resolved, reach);
    if (!status.ok()) return status;
    status = sockets.BindAll(*std::move(resolved));
    if (status.ok()) {
      sockets.text_ =
          TextOf({.host = address.host, .port = PortOf(sockets.bound_.front()), .path = ""});
    }
  }
  if (!status.ok()) {
    return absl::UnavailableError(StrCat("cannot listen on ", sockets.text_, ": ",
                                         ToStd(status.message()),
                                         "; is another server running there? choose another "
                                         "address with --",
                                         setting));
  }
  status = CheckReach(setting, sockets.text_, sockets.bound_, reach);
  if (!status.ok()) return status;
  sockets.is_local_ = std::all_of(sockets.bound_.begin(), sockets.bound_.end(),
                                  [](const SocketAddress& bound) { return bound.is_local(); });
  return sockets;
}

absl::Status ListeningSockets::BindAll(std::vector<SocketAddress> addresses) {
  const bool any_port = PortOf(addresses.front()) == 0;
  absl::Status status;
  for (int attempt = 0; attempt < (any_port ? kFreePortAttempts : 1); ++attempt) {
    descriptors_.clear();
    bound_.clear();
    status = absl::OkStatus();
    for (SocketAddress& address : addresses) {
      if (any_port) SetPort(address, bound_.empty() ? 0 : PortOf(bound_.front()));
      absl::Status bound = BindOne(address);
      if (absl::IsNotFound(bound) && addresses.size() > 1) continue;
      status.Update(bound);
      if (!status.ok()) break;
    }
    if (status.ok() && bound_.empty()) {
      return absl::NotFoundError("this machine has no such address");
    }
    if (status.ok()) return status;
  }
  return status;
}

absl::Status ListeningSockets::BindOne(const SocketAddress& address) {
  const int family = address.storage.ss_family;
  FileDescriptor descriptor(socket(family, SOCK_STREAM | kSocketFlags, 0));
  if (descriptor.get() < 0) {
    return errno == EAFNOSUPPORT ? absl::NotFoundError(std::strerror(errno))
                                 : SocketError("socket");
  }
  // Allows binding while connections of a server that just ended are still in TIME_WAIT.
  SetOption(descriptor.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  // Accepted sockets inherit this: small answers are sent at once.
  if (family != AF_UNIX) SetOption(descriptor.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  // Makes `::` accept IPv4 connections, too, whatever the system's default is.
  if (family == AF_INET6) SetOption(descriptor.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
  if (bind(descriptor.get(), AsSocketAddress(address.storage), address.size) != 0) {
    return errno == EADDRNOTAVAIL ? absl::NotFoundError(std::strerror(errno))
                                  : absl::UnavailableError(std::strerror(errno));
  }
  SocketAddress bound;
  bound.size = sizeof(bound.storage);
  if (getsockname(descriptor.get(), reinterpret_cast<sockaddr*>(&bound.storage), &bound.size) !=
      0) {
    return SocketError("getsockname");
  }
  descriptors_.push_back(std::move(descriptor));
  bound_.push_back(bound);
  return absl::OkStatus();
}

absl::Status ListeningSockets::BindUnix(const ListenAddress& address) {
  const absl::StatusOr<std::vector<SocketAddress>> resolved = Resolve("listen", address);
  const SocketAddress& socket_address = resolved->front();
  struct stat info {};
  if (lstat(address.path.c_str(), &info) == 0) {
    if (!S_ISSOCK(info.st_mode)) {
      return absl::UnavailableError("a file of that name exists and is not a socket");
    }
    if (AnybodyListens(reinterpret_cast<const sockaddr_un&>(socket_address.storage))) {
      return absl::UnavailableError(std::strerror(EADDRINUSE));
    }
    unlink(address.path.c_str());  // The socket was left by a server that was killed.
  }
  absl::Status status = BindOne(socket_address);
  if (status.ok()) unix_path_ = address.path;
  return status;
}

absl::Status ListeningSockets::Listen() const {
  for (const FileDescriptor& descriptor : descriptors_) {
    if (listen(descriptor.get(), kBacklog) != 0) {
      return absl::UnavailableError(StrCat("cannot listen on ", text_, ": ", std::strerror(errno)));
    }
  }
  return absl::OkStatus();
}

}  // namespace freshet
