// Converts gRPC statuses to absl::Status, with messages that say what to do.

#ifndef FRESHET_CLIENT_RPC_STATUS_H_
#define FRESHET_CLIENT_RPC_STATUS_H_

#include <string_view>

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace freshet {

// A status with the same code and message. If the server could not be reached, UNAVAILABLE with a
// message that names `server`, the cause in a few words, and what to do.
absl::Status FromRpcStatus(const grpc::Status& status, std::string_view server);

// Whether the connection was refused, the host is unreachable, its name cannot be resolved, or
// there is no such Unix socket, so that retrying at once is pointless.
bool WasRefused(const grpc::Status& status);

// UNAVAILABLE: cannot connect to `server`, for the reason in `status`, the result of a call.
// `encrypted`: whether the connection was to use TLS.
absl::Status NoConnection(const grpc::Status& status, std::string_view server, bool encrypted);

// UNAVAILABLE: nothing answers at `server`. `detail`, the cause in a few words, may be empty.
absl::Status CannotReach(std::string_view server, std::string_view detail);

// Whether the same request may succeed later, because the connection was lost or the server is
// restarting or busy.
bool IsTransient(const absl::Status& status);

}  // namespace freshet

#endif  // FRESHET_CLIENT_RPC_STATUS_H_
