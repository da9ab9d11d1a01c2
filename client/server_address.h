// The address of a server, as users write it.

#ifndef FRESHET_CLIENT_SERVER_ADDRESS_H_
#define FRESHET_CLIENT_SERVER_ADDRESS_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace freshet {

// The target for gRPC: host:port with port 7400 unless `text` has another one. unix:PATH and the
// other kinds of addresses that gRPC knows are returned as they are. INVALID_ARGUMENT says what is
// wrong and what to write.
absl::StatusOr<std::string> ServerAddress(std::string_view text);

}  // namespace freshet

#endif  // FRESHET_CLIENT_SERVER_ADDRESS_H_
