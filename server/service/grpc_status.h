// Conversion of absl::Status and batch errors to gRPC's statuses.

#ifndef FRESHET_SERVER_SERVICE_GRPC_STATUS_H_
#define FRESHET_SERVER_SERVICE_GRPC_STATUS_H_

#include <grpcpp/support/status.h>

#include <string>

#include "absl/status/status.h"
#include "freshet/v1/learning_service.pb.h"

namespace freshet {

// The one mapping from absl::Status to grpc::Status: the codes have the same numbers, and the
// message is kept.
inline grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return {static_cast<grpc::StatusCode>(status.raw_code()), std::string(status.message())};
}

// The error of a batch as a status, for calls that fail as a whole because of it.
inline absl::Status BatchFault(const v1::BatchError& error) {
  return {static_cast<absl::StatusCode>(error.code()), error.message()};
}

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_GRPC_STATUS_H_
