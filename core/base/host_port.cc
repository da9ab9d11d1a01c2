#include "core/base/host_port.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>

#include "absl/strings/ascii.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

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

// Whether `text` is a host alone.
bool HasNoPort(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return true;
  return text.starts_with('[') && !text.substr(0, colon).ends_with(']');
}

}  // namespace

std::string HostPort::ToString() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return StrCat(is_ipv6 ? "[" : "", host, is_ipv6 ? "]:" : ":", port);
}

absl::StatusOr<HostPort> ParseHostPort(std::string_view text,
                                       std::optional<uint16_t> default_port) {
  if (default_port.has_value() && IsIpv6(text)) {
    return HostPort{.host = std::string(text), .port = *default_port};
  }
  const bool has_no_port = HasNoPort(text);
  if (has_no_port && !default_port.has_value()) {
    return absl::InvalidArgumentError("the port is missing");
  }
  const size_t colon = has_no_port ? text.size() : text.rfind(':');
  std::string_view host = text.substr(0, colon);
  if (host.empty()) return absl::InvalidArgumentError("the host is missing");
  if (host.starts_with('[')) {
    host = host.substr(1, host.size() - 2);
    if (!text.substr(0, colon).ends_with(']') || !IsIpv6(host)) {
      return absl::InvalidArgumentError("the text in brackets is not an IPv6 address");
    }
  } else if (IsIpv6(text) || IsIpv6(host)) {
    return absl::InvalidArgumentError("an IPv6 address must be in brackets");
  } else if (!IsHostName(host)) {
    return absl::InvalidArgumentError(
        has_no_port ? "it is neither a name nor an address"
                    : "the part before the port is neither a name nor an address");
  }
  const std::optional<uint16_t> port =
      has_no_port ? default_port : ParsePort(text.substr(colon + 1));
  if (!port.has_value()) {
    return absl::InvalidArgumentError("the port is not a number from 0 to 65535");
  }
  return HostPort{.host = std::string(host), .port = *port};
}

}  // namespace freshet
