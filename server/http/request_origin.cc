#include "server/http/request_origin.h"

#include <algorithm>
#include <string_view>

#include "absl/strings/match.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

// The host without its port.
std::string_view NameOf(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

bool IsAddressOrLocalhost(std::string_view name) {
  if (name.starts_with('[')) return true;
  if (absl::EqualsIgnoreCase(ToAbsl(name), "localhost")) return true;
  return !name.empty() && std::all_of(name.begin(), name.end(),
                                      [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

}  // namespace

absl::Status CheckOrigin(const HttpRequest& head, bool local_hosts_only) {
  const std::string_view host = head.Header("host");
  const std::string_view origin = head.Header("origin");
  if (!origin.empty()) {
    const size_t scheme = origin.find("://");
    if (scheme == std::string_view::npos ||
        !absl::EqualsIgnoreCase(ToAbsl(origin.substr(scheme + 3)), ToAbsl(host))) {
      return absl::PermissionDeniedError(
          "the request comes from a web page of another origin; only this server's own pages may "
          "send requests");
    }
  }
  if (local_hosts_only && !host.empty() && !IsAddressOrLocalhost(NameOf(host))) {
    return absl::PermissionDeniedError(
        "the request's Host is not local; on loopback use localhost or 127.0.0.1");
  }
  return absl::OkStatus();
}

}  // namespace freshet
