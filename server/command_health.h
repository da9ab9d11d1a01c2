// The command `freshetd health`, a probe of the server on this machine.

#ifndef FRESHET_SERVER_COMMAND_HEALTH_H_
#define FRESHET_SERVER_COMMAND_HEALTH_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/server_options.h"

namespace freshet {

// Asks the server that runs with these options on this machine whether it serves. No token is
// needed. Asks over HTTP if the server has that endpoint, otherwise over gRPC. Addresses and
// encryption are taken from the endpoints file if there is one, because that has the ports the
// server really took, otherwise from the options. The server's certificate is not checked, since
// nothing confidential is sent.
//
// OK if the server serves; otherwise UNAVAILABLE says why not. Blocks for `timeout` at most. If
// there is only gRPC and it requires client certificates, the server's own certificate is presented
// and must be valid as a client certificate too.
absl::Status AskHealth(const ServerOptions& options, absl::Duration timeout);

}  // namespace freshet

#endif  // FRESHET_SERVER_COMMAND_HEALTH_H_
