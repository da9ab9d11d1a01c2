#include "server/listen_address.h"

#include <sys/un.h>

#include "absl/strings/escaping.h"
#include "core/base/host_port.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";
// Why a path cannot be that of a socket; empty if it can.
std::string_view WrongWithPath(std::string_view path) {
  if (path.empty()) return "the path of the socket is missing";
  if (path.front() == '@' || path.find('\0') != std::string_view::npos) {
    return "abstract sockets are not supported, since no permissions keep others from them";
  }
  if (path.starts_with("//")) return "write the path without the two slashes of a URL";
  if (path.size() >= sizeof(sockaddr_un::sun_path)) return "the path is longer than 107 bytes";
  return "";
}

}  // namespace

std::string TextOf(const ListenAddress& address) {
  if (address.is_unix()) return StrCat(kUnixPrefix, address.path);
  const bool is_ipv6 = address.host.find(':') != std::string::npos;
  return StrCat(is_ipv6 ? "[" : "", address.host, is_ipv6 ? "]:" : ":", address.port);
}

absl::StatusOr<ListenAddress> ParseListenAddress(std::string_view setting, std::string_view text,
                                                 UnixSockets unix_sockets) {
  ListenAddress address;
  std::string wrong;
  const bool allows_unix = unix_sockets == UnixSockets::kAllowed;
  if (allows_unix && text.starts_with(kUnixPrefix)) {
    const std::string_view path = text.substr(kUnixPrefix.size());
    wrong = WrongWithPath(path);
    address.path = path;
  } else {
    const absl::StatusOr<HostPort> parsed = ParseHostPort(text);
    if (parsed.ok()) {
      address.host = parsed->host;
      address.port = parsed->port;
    } else {
      wrong = ToStd(parsed.status().message());
    }
  }
  if (wrong.empty()) return address;
  return absl::InvalidArgumentError(
      StrCat(setting, " is \"", absl::CEscape(ToAbsl(text)), "\": ", wrong, "; it must be ",
             allows_unix ? "host:port, [IPv6]:port or unix:PATH" : "host:port or [IPv6]:port",
             ", for example 127.0.0.1:7400 or [::1]:7400"));
}

}  // namespace freshet
