// The process's limit of file descriptors.

#ifndef FRESHET_SERVER_NET_DESCRIPTOR_LIMIT_H_
#define FRESHET_SERVER_NET_DESCRIPTOR_LIMIT_H_

#include <cstdint>

namespace freshet {

// Raises the soft limit, which is low for the sake of programs that use select(2), to the hard
// limit.
void RaiseDescriptorLimit();

// How many gRPC connections the limit allows besides the server's files and its HTTP endpoint; at
// least 1.
uint32_t AffordableConnections();

}  // namespace freshet

#endif  // FRESHET_SERVER_NET_DESCRIPTOR_LIMIT_H_
