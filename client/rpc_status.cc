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
        StrCat("no encrypted connection to ", server, " (", message,
               "); does --tls-ca have the root of its certificate, and is it made for this name? a "
               "server that asks for client certificates needs --tls-cert and --tls-key"));
  }
  return CannotReach(server, StrCat("if it encrypts, --tls or --tls-ca does so too; ", message));
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
          StrCat(server, " did not answer in time; a longer --deadline gives it more"));
    case grpc::StatusCode::UNIMPLEMENTED:
      return absl::UnimplementedError(
          StrCat(server, " does not know this request; is it freshetd, and of this version?"));
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
      // The limit of streams passes; a message over the limit stays too large.
      return !Contains(ToStd(status.message()), "larger than max");
    default:
      return false;
  }
}

}  // namespace freshet
