#include "server/listen_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";
constexpr size_t kMaxHostSize = 253;  // Longest DNS name.

bool IsIpv6(std::string_view host) {
  in6_addr address = {};
  // A link-local address has a zone, as in fe80::1%eth0.
  return inet_pton(AF_INET6, std::string(host.substr(0, host.find('%'))).c_str(), &address) == 1;
}

bool IsHostName(std::string_view host) {
  return !host.empty() && host.size() <= kMaxHostSize &&
         std::all_of(host.begin(), host.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' ||
                  c == '_';
         });
}

// Only digits: no sign, no blanks, no service name.
std::optional<uint16_t> ParsePort(std::string_view text) {
  uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  if (text.empty() || error != std::errc() || stop != end) return std::nullopt;
  return port;
}

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

// Fills in a TCP address and returns "", or returns what is wrong with the text.
std::string_view ReadHostPort(std::string_view text, ListenAddress& address) {
  const size_t colon = text.rfind(':');
  const bool in_brackets = text.starts_with('[');
  if (colon == std::string_view::npos || (in_brackets && !text.substr(0, colon).ends_with(']'))) {
    return "the port is missing";
  }
  std::string_view host = text.substr(0, colon);
  if (host.empty()) return "the host is missing";
  if (in_brackets) {
    host = host.substr(1, host.size() - 2);
    if (!IsIpv6(host)) return "the text in brackets is not an IPv6 address";
  } else if (IsIpv6(text) || IsIpv6(host)) {
    return "an IPv6 address must be in brackets";
  } else if (!IsHostName(host)) {
    return "the part before the port is neither a name nor an address";
  }
  const std::optional<uint16_t> port = ParsePort(text.substr(colon + 1));
  if (!port) return "the port is not a number from 0 to 65535";
  address.host = host;
  address.port = *port;
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
  std::string_view wrong;
  const bool allows_unix = unix_sockets == UnixSockets::kAllowed;
  if (allows_unix && text.starts_with(kUnixPrefix)) {
    const std::string_view path = text.substr(kUnixPrefix.size());
    wrong = WrongWithPath(path);
    address.path = path;
  } else {
    wrong = ReadHostPort(text, address);
  }
  if (wrong.empty()) return address;
  return absl::InvalidArgumentError(
      StrCat(setting, " is \"", absl::CEscape(ToAbsl(text)), "\": ", wrong, "; it must be ",
             allows_unix ? "host:port, [IPv6]:port or unix:PATH" : "host:port or [IPv6]:port",
             ", for example 127.0.0.1:7400 or [::1]:7400"));
}

std::optional<HostPort> ParseHostPort(std::string_view text) {
  ListenAddress address;
  if (!ReadHostPort(text, address).empty()) return std::nullopt;
  return HostPort{.host = address.host, .port = address.port};
}

}  // namespace freshet
