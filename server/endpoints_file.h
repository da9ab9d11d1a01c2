// The file in which a running server writes the addresses that it listens on; see
// v1.ServerConfig.endpoints_file.

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

// Checks that the file may be written. INVALID_ARGUMENT if the path exists and is not a regular
// file; a symbolic link to one counts as not regular.
absl::Status CheckEndpointsFile(const std::string& path);

// Writes the file whole or not at all. Errors are those of CheckEndpointsFile() and of the disk.
absl::Status WriteEndpointsFile(const std::string& path, const Endpoints& endpoints);

// NOT_FOUND if there is no file, as when no server is running; INVALID_ARGUMENT if the file was not
// written by WriteEndpointsFile().
absl::StatusOr<Endpoints> ReadEndpointsFile(const std::string& path);

}  // namespace freshet

#endif  // FRESHET_SERVER_ENDPOINTS_FILE_H_
