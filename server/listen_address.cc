#include "server/listen_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "absl/strings/numbers.h"
#include "core/base/str_cat.h"

namespace freshet {

std::optional<HostPort> ParseHostPort(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  HostPort address;
  if (!absl::SimpleAtoi(ToAbsl(text.substr(colon + 1)), &address.port) || address.port < 0 ||
      address.port > 65535) {
    return std::nullopt;
  }
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  address.host = host;
  return address;
}

bool IsLoopback(std::string_view address) {
  const std::optional<HostPort> parsed = ParseHostPort(address);
  if (!parsed) return false;
  if (parsed->host == "localhost") return true;
  in_addr v4 = {};
  if (inet_pton(AF_INET, parsed->host.c_str(), &v4) == 1) {
    return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
  }
  in6_addr v6 = {};
  return inet_pton(AF_INET6, parsed->host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

}  // namespace freshet
