#include "client/rpc_status.h"

#include <string>

#include "core/base/str_cat.h"

namespace freshet {
namespace {

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// Text in gRPC's messages, and what it means to a user.
struct Cause {
  std::string_view text;
  std::string_view meaning;
};

constexpr Cause kCauses[] = {
    {"DNS resolution", "its name cannot be resolved"},
    {"http1.x server", "an HTTP server answers there"},
    {"missing selected ALPN", "an HTTP server answers there"},
    {"wrong version number", "it does not answer with TLS"},
    {"certificate verify failed", "certificate verify failed"},
    {"Socket closed", "it closed the connection"},
    {"onnection reset", "it closed the connection"},
    {"FD Shutdown", "no answer in time"},
};

// The cause in gRPC's message, without what gRPC was doing with which of its objects:
// "failed to connect to all addresses; last error: UNKNOWN: ipv4:1.2.3.4:5: No route to host" is
// "No route to host".
std::string_view CauseOf(std::string_view message) {
  for (const Cause& cause : kCauses) {
    if (Contains(message, cause.text)) return cause.meaning;
  }
  const size_t colon = message.rfind(": ");
  return colon == std::string_view::npos ? message : message.substr(colon + 2);
}

// Whether a message is over the receiver's limit, in gRPC's words or in those of FromRpcStatus().
bool IsTooLarge(std::string_view message) { return Contains(message, "larger than max"); }

// Whether an established connection broke.
bool WasLost(std::string_view message) {
  return Contains(message, "Socket closed") || Contains(message, "onnection reset") ||
         Contains(message, "Broken pipe") || Contains(message, "GOAWAY") ||
         Contains(message, "keepalive watchdog") || Contains(message, "Stream removed");
}

}  // namespace

absl::Status CannotReach(std::string_view server, std::string_view detail) {
  std::string message = StrCat("no server answers at ", server);
  if (!detail.empty()) message += StrCat(" (", detail, ")");
  message +=
      "; is freshetd running? start it with 'freshetd', or name another server with --server "
      "HOST:PORT";
  return absl::UnavailableError(message);
}

bool WasRefused(const grpc::Status& status) {
  const std::string& message = status.error_message();
  return Contains(message, "onnection refused") || Contains(message, "No route") ||
         Contains(message, "unreachable") || Contains(message, "DNS resolution") ||
         Contains(message, "No such file");  // There is no such Unix socket.
}

absl::Status NoConnection(const grpc::Status& status, std::string_view server, bool encrypted) {
  const std::string_view cause = CauseOf(status.error_message());
  if (WasRefused(status)) return CannotReach(server, cause);
  if (encrypted) {
    return absl::UnavailableError(
        StrCat("no TLS connection to ", server, " (", cause,
               "); check that --server is freshetd's gRPC address, that --tls-ca has the root of "
               "the server's certificate and that the certificate is for this host name; if the "
               "server asks for a client certificate, give --tls-cert and --tls-key"));
  }
  return absl::UnavailableError(
      StrCat("no connection to ", server, " (", cause,
             "); check that --server is freshetd's gRPC address; if it uses TLS, give --tls or "
             "--tls-ca"));
}

absl::Status FromRpcStatus(const grpc::Status& status, std::string_view server) {
  if (status.ok()) return absl::OkStatus();
  const std::string& message = status.error_message();
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
      if (Contains(message, "failed to connect") || Contains(message, "onnection refused") ||
          Contains(message, "DNS resolution")) {
        return CannotReach(server, CauseOf(message));
      }
      if (WasLost(message)) {
        return absl::UnavailableError(StrCat("the connection to ", server, " was lost"));
      }
      break;
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return absl::DeadlineExceededError(
          StrCat(server, " did not answer in time; raise --deadline to wait longer"));
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      if (!IsTooLarge(message)) break;
      return absl::ResourceExhaustedError(
          StrCat("the request is larger than max_message_bytes of ", server,
                 "; send less at once, for example with a lower --batch-size, or raise "
                 "limits.max_message_bytes there"));
    case grpc::StatusCode::UNIMPLEMENTED:
      return absl::UnimplementedError(
          StrCat(server, " does not support this request; is it freshetd of the same version?"));
    default:
      break;
  }
  return {static_cast<absl::StatusCode>(status.error_code()), ToAbsl(message)};
}

bool IsTransient(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kDeadlineExceeded:
      return true;
    case absl::StatusCode::kResourceExhausted:
      // A limit on streams or load passes; a message that is over the size limit stays too large.
      return !IsTooLarge(ToStd(status.message()));
    default:
      return false;
  }
}

}  // namespace freshet
