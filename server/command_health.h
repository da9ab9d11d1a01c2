// What `freshetd health` does.

#ifndef FRESHET_SERVER_COMMAND_HEALTH_H_
#define FRESHET_SERVER_COMMAND_HEALTH_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/server_options.h"

namespace freshet {

// Asks the server that runs with these options on this machine whether it serves, and takes no
// token: over HTTP where it has that endpoint, else over gRPC. Where it listens is read from the
// endpoints file where there is one, so that ports and encryption are those that the server really
// has; else it stands in the options. The certificate is not checked, since nothing is sent that
// anybody could use.
//
// OK where it serves; else UNAVAILABLE says why not. Blocks for `timeout` at most. With gRPC alone
// and certificates of clients, the server's own certificate has to be one of a client too.
absl::Status AskHealth(const ServerOptions& options, absl::Duration timeout);

}  // namespace freshet

#endif  // FRESHET_SERVER_COMMAND_HEALTH_H_
