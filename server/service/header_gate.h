// Checks the headers of gRPC calls before their messages are read.

#ifndef FRESHET_SERVER_SERVICE_HEADER_GATE_H_
#define FRESHET_SERVER_SERVICE_HEADER_GATE_H_

#include <grpc/grpc_security.h>

#include <string_view>

#include "absl/status/status.h"
#include "server/access/access_control.h"

namespace freshet {

// gRPC reads the whole message of a unary call before it hands the call to a service. This class
// sees the headers before that, so that no message is read or decompressed for somebody without a
// valid token. What the caller may do is checked later by CallGate, which also knows the request.
// Thread-safe.
class HeaderGate {
 public:
  // The values of a call's headers; empty for a missing header.
  struct Headers {
    std::string_view path;           // For example /freshet.v1.LearningService/Predict.
    std::string_view authorization;  // As AccessControl::Identify() takes it.
    std::string_view encoding;       // Compression of messages: grpc-encoding.
  };

  // Keeps a reference to `access`.
  explicit HeaderGate(const AccessControl& access) : access_(access) {}

  // UNAUTHENTICATED as for AccessControl::Identify(), except for calls to the health service, which
  // is open to everyone; UNIMPLEMENTED if messages are compressed.
  absl::Status Check(const Headers& headers) const;

  // Check() as a callback for gRPC, which keeps a reference to this object.
  grpc_auth_metadata_processor processor() const;

 private:
  const AccessControl& access_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_HEADER_GATE_H_
