// Whether a call over gRPC may send its message: what its headers say of it.

#ifndef FRESHET_SERVER_SERVICE_HEADER_GATE_H_
#define FRESHET_SERVER_SERVICE_HEADER_GATE_H_

#include <grpc/grpc_security.h>

#include <string_view>

#include "absl/status/status.h"
#include "server/access/access_control.h"

namespace freshet {

// gRPC reads the whole message of a unary call before it hands the call to a service. This looks at
// the headers before that, so that nothing is read, or inflated, of somebody who may not call. What
// the caller may do is for CallGate, which also knows the request. Thread-safe.
class HeaderGate {
 public:
  // What the headers say; each is empty where there is none.
  struct Headers {
    std::string_view path;           // As in /freshet.v1.LearningService/Predict.
    std::string_view authorization;  // As AccessControl::Identify() takes it.
    std::string_view encoding;       // Of messages: grpc-encoding.
  };

  // Keeps a reference.
  explicit HeaderGate(const AccessControl& access) : access_(access) {}

  // UNAUTHENTICATED as AccessControl::Identify(), but for the health service, which is open to
  // everyone; UNIMPLEMENTED where messages are compressed.
  absl::Status Check(const Headers& headers) const;

  // The same for gRPC. Refers to this object.
  grpc_auth_metadata_processor processor() const;

 private:
  const AccessControl& access_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_HEADER_GATE_H_
