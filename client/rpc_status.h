// From gRPC's status to ours, in words that say what to do.

#ifndef FRESHET_CLIENT_RPC_STATUS_H_
#define FRESHET_CLIENT_RPC_STATUS_H_

#include <string_view>

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace freshet {

// The same code with the server's message; where the server could not be reached, UNAVAILABLE with
// a message that names `server` and how to start it.
absl::Status FromRpcStatus(const grpc::Status& status, std::string_view server);

// Whether nobody listens there, no way leads there, or nobody knows the name: no other try helps.
bool WasRefused(const grpc::Status& status);

// UNAVAILABLE: there is no connection to `server`, for the reason that `status`, of a call, has.
absl::Status NoConnection(const grpc::Status& status, std::string_view server, bool encrypted);

// UNAVAILABLE: `server` cannot be reached. `detail` may be empty.
absl::Status CannotReach(std::string_view server, std::string_view detail);

// Whether the same request may succeed later: the connection was lost, the server is restarting or
// busy. False where trying again cannot help.
bool IsTransient(const absl::Status& status);

}  // namespace freshet

#endif  // FRESHET_CLIENT_RPC_STATUS_H_
