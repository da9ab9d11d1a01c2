#include "client/rpc_status.h"

#include <string>

#include "core/base/str_cat.h"

namespace freshet {
namespace {

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

absl::Status CannotReach(std::string_view server, std::string_view detail) {
  std::string message =
      StrCat("cannot reach ", server, "; is freshetd running? start it with 'freshetd'");
  if (!detail.empty()) message += StrCat(" (", detail, ")");
  return absl::UnavailableError(message);
}

bool WasRefused(const grpc::Status& status) {
  const std::string& message = status.error_message();
  return Contains(message, "onnection refused") || Contains(message, "No route") ||
         Contains(message, "unreachable") || Contains(message, "DNS resolution");
}

absl::Status NoConnection(const grpc::Status& status, std::string_view server, bool encrypted) {
  const std::string& message = status.error_message();
  if (Contains(message, "DNS resolution")) return CannotReach(server, message);
  if (WasRefused(status)) return CannotReach(server, "");
  if (encrypted) {
    return absl::UnavailableError(
        StrCat("no TLS connection to ", server, " (", message,
               "); check that --tls-ca has the root of the server's certificate and that the "
               "certificate is for this host name; if the server asks for a client certificate, "
               "give --tls-cert and --tls-key"));
  }
  return CannotReach(server, StrCat("if it uses TLS, give --tls or --tls-ca; ", message));
}

absl::Status FromRpcStatus(const grpc::Status& status, std::string_view server) {
  if (status.ok()) return absl::OkStatus();
  const std::string& message = status.error_message();
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
      if (Contains(message, "failed to connect") || Contains(message, "onnection refused")) {
        return CannotReach(server, "");
      }
      if (Contains(message, "DNS resolution")) return CannotReach(server, message);
      if (Contains(message, "Socket closed") || Contains(message, "onnection reset") ||
          Contains(message, "Broken pipe")) {
        return absl::UnavailableError(StrCat("the connection to ", server, " was lost"));
      }
      break;
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return absl::DeadlineExceededError(
          StrCat(server, " did not answer in time; raise --deadline to wait longer"));
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
      return !Contains(ToStd(status.message()), "larger than max");
    default:
      return false;
  }
}

}  // namespace freshet
