// Connecting to a server whose name stands for several addresses.

#ifndef FRESHET_SERVER_NET_CONNECT_H_
#define FRESHET_SERVER_NET_CONNECT_H_

#include <chrono>
#include <vector>

#include "absl/status/statusor.h"
#include "server/file/posix_file.h"
#include "server/net/listening_sockets.h"

namespace freshet {

// Connects to the first of the addresses that accepts: a name may stand for some on which the
// server does not listen. Until `deadline`, each gets an equal share of the time that is left; what
// is left then is the timeout of each read and write on the socket. UNAVAILABLE names every address
// with what is wrong. REQUIRES: there are addresses.
absl::StatusOr<FileDescriptor> ConnectToAny(const std::vector<SocketAddress>& addresses,
                                            std::chrono::steady_clock::time_point deadline);

}  // namespace freshet

#endif  // FRESHET_SERVER_NET_CONNECT_H_
