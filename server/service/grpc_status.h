#ifndef FRESHET_SERVER_SERVICE_GRPC_STATUS_H_
#define FRESHET_SERVER_SERVICE_GRPC_STATUS_H_

#include <grpcpp/support/status.h>

#include <string>

#include "absl/status/status.h"

namespace freshet {

// The one mapping of our statuses to gRPC's: the codes have the same numbers, the message goes
// along.
inline grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return {static_cast<grpc::StatusCode>(status.raw_code()), std::string(status.message())};
}

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_GRPC_STATUS_H_
