// The file in which a server says where it listens; see v1.ServerConfig.endpoints_file.

#ifndef FRESHET_SERVER_ENDPOINTS_FILE_H_
#define FRESHET_SERVER_ENDPOINTS_FILE_H_

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace freshet {

struct Endpoints {
  std::string grpc;  // host:port or unix:PATH.
  std::string http;  // host:port; empty: none.
  bool tls = false;  // Whether both are encrypted.
  pid_t pid = 0;
};

// Whether the file can be written: where there is something else than a regular file of that name,
// also a link to one, INVALID_ARGUMENT says so.
absl::Status CheckEndpointsFile(const std::string& path);

// Writes the file whole or not at all; errors as above, or of the disk.
absl::Status WriteEndpointsFile(const std::string& path, const Endpoints& endpoints);

// NOT_FOUND where there is none, as while no server serves; INVALID_ARGUMENT where it is something
// else.
absl::StatusOr<Endpoints> ReadEndpointsFile(const std::string& path);

}  // namespace freshet

#endif  // FRESHET_SERVER_ENDPOINTS_FILE_H_
