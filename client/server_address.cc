#include "client/server_address.h"

#include <cstdint>

#include "absl/strings/escaping.h"
#include "core/base/host_port.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

constexpr uint16_t kDefaultPort = 7400;

absl::Status WrongAddress(std::string_view text, std::string_view wrong) {
  return absl::InvalidArgumentError(
      StrCat("the server address is \"", absl::CEscape(ToAbsl(text)), "\": ", wrong,
             "; write host, host:port, [IPv6]:port or unix:PATH, for example 127.0.0.1:7400"));
}

}  // namespace

absl::StatusOr<std::string> ServerAddress(std::string_view text) {
  for (const std::string_view scheme : {"unix:", "dns:///", "ipv4:", "ipv6:"}) {
    if (text.starts_with(scheme) && text.size() > scheme.size()) return std::string(text);
  }
  if (const size_t slashes = text.find("://"); slashes != std::string_view::npos) {
    return WrongAddress(text, StrCat("leave '", text.substr(0, slashes + 3),
                                     "' out, since the server speaks gRPC (--tls encrypts)"));
  }
  if (!text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos) {
    return WrongAddress(text, "the host is missing");
  }
  const absl::StatusOr<HostPort> address = ParseHostPort(text, kDefaultPort);
  if (!address.ok()) return WrongAddress(text, ToStd(address.status().message()));
  if (address->port == 0) return WrongAddress(text, "no server listens on port 0");
  return address->ToString();
}

}  // namespace freshet
