// Where a call comes from, for logs and limits.

#ifndef FRESHET_SERVER_SERVICE_CALL_ORIGIN_H_
#define FRESHET_SERVER_SERVICE_CALL_ORIGIN_H_

#include <grpcpp/grpcpp.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace freshet {

// The address in gRPC's name of a peer, without its port: `127.0.0.1` of `ipv4:127.0.0.1:4711`, and
// `[::1]` of `ipv6:%5B::1%5D:4711`.
std::string PeerAddress(std::string_view peer);

// With a call that the HTTP endpoint makes within the process: the address of its own client.
inline constexpr char kHttpClientMetadata[] = "freshet-http-client";

// The address that a call comes from, without a port, over whichever endpoint.
std::string CallerAddress(const grpc::ServerContextBase& context);

// What a call says of itself: `request_id=... trace_id=...`, of the metadata `x-request-id` and
// W3C's `traceparent`; parts that are missing or malformed are left out. Begins with a space unless
// empty.
std::string TraceOf(const grpc::ServerContextBase& context);

// Logs a call that failed as one line; nothing where it succeeded or was cancelled by its client.
void LogFailedCall(std::string_view method, const grpc::ServerContextBase& context,
                   const grpc::Status& status);

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_CALL_ORIGIN_H_
