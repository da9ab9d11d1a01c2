// The token that goes with a call.

#ifndef FRESHET_CLIENT_CALL_TOKEN_H_
#define FRESHET_CLIENT_CALL_TOKEN_H_

#include <string>

#include "grpcpp/client_context.h"

namespace freshet {

// Adds a token's secret, if it is not empty, to a call that was not started yet.
inline void AddCallToken(const std::string& token, grpc::ClientContext* context) {
  if (!token.empty()) context->AddMetadata("authorization", "Bearer " + token);
}

}  // namespace freshet

#endif  // FRESHET_CLIENT_CALL_TOKEN_H_
