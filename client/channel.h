// The connection to a server.

#ifndef FRESHET_CLIENT_CHANNEL_H_
#define FRESHET_CLIENT_CHANNEL_H_

#include <memory>

#include "absl/status/statusor.h"
#include "client/client.h"
#include "grpcpp/channel.h"

namespace freshet {

// A channel that is connected. Errors as Client::Connect().
absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(const ClientOptions& options);

}  // namespace freshet

#endif  // FRESHET_CLIENT_CHANNEL_H_
