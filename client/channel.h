// Opens the connection to a server.

#ifndef FRESHET_CLIENT_CHANNEL_H_
#define FRESHET_CLIENT_CHANNEL_H_

#include <memory>

#include "absl/status/statusor.h"
#include "client/client.h"
#include "grpcpp/channel.h"

namespace freshet {

// Returns a channel that is connected. Waits up to options.connect_timeout_ms. Errors as those of
// Client::Connect().
absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(const ClientOptions& options);

}  // namespace freshet

#endif  // FRESHET_CLIENT_CHANNEL_H_
