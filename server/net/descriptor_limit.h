// How many file descriptors the process may have.

#ifndef FRESHET_SERVER_NET_DESCRIPTOR_LIMIT_H_
#define FRESHET_SERVER_NET_DESCRIPTOR_LIMIT_H_

#include <cstdint>

namespace freshet {

// Raises the limit of the process as far as it may: the soft limit, which is low for the sake of
// programs that use select(2), up to the hard one.
void RaiseDescriptorLimit();

// How many connections the limit has room for, beside the server's files and its HTTP endpoint; at
// least 1.
uint32_t AffordableConnections();

}  // namespace freshet

#endif  // FRESHET_SERVER_NET_DESCRIPTOR_LIMIT_H_
