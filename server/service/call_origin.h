// The origin of a call, for logs and limits.

#ifndef FRESHET_SERVER_SERVICE_CALL_ORIGIN_H_
#define FRESHET_SERVER_SERVICE_CALL_ORIGIN_H_

#include <grpcpp/grpcpp.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace freshet {

// The address in gRPC's name of a peer, without the port: `127.0.0.1` for `ipv4:127.0.0.1:4711`,
// and `[::1]` for `ipv6:%5B::1%5D:4711`.
std::string PeerAddress(std::string_view peer);

// Metadata of calls that the HTTP endpoint makes within the process: the address of the HTTP
// client.
inline constexpr char kHttpClientMetadata[] = "freshet-http-client";

// The address, without a port, of the client that makes a call through either endpoint.
std::string CallerAddress(const grpc::ServerContextBase& context);

// Identifiers for log lines, ` request_id=... trace_id=...`, from a call's metadata `x-request-id`
// and `traceparent` (W3C). Parts that are missing or malformed are left out. Begins with a space
// unless empty.
std::string TraceOf(const grpc::ServerContextBase& context);

// Logs one line for a call that failed; nothing if it succeeded or was cancelled.
void LogFailedCall(std::string_view method, const grpc::ServerContextBase& context,
                   const grpc::Status& status);

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_CALL_ORIGIN_H_
