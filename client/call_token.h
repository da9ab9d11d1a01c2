// Adds the client's token to gRPC calls.

#ifndef FRESHET_CLIENT_CALL_TOKEN_H_
#define FRESHET_CLIENT_CALL_TOKEN_H_

#include <string>

#include "grpcpp/client_context.h"

namespace freshet {

// Adds the secret `token`, unless it is empty, to a call that has not been started yet.
inline void AddCallToken(const std::string& token, grpc::ClientContext* context) {
  if (!token.empty()) context->AddMetadata("authorization", "Bearer " + token);
}

}  // namespace freshet

#endif  // FRESHET_CLIENT_CALL_TOKEN_H_
