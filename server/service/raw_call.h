// Messages of calls that are served raw: as bytes, so that who serves them chooses on which thread
// they are parsed.

#ifndef FRESHET_SERVER_SERVICE_RAW_CALL_H_
#define FRESHET_SERVER_SERVICE_RAW_CALL_H_

#include <google/protobuf/message_lite.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "core/base/str_cat.h"

namespace freshet {

// Requests of up to so many bytes are parsed, and served, on gRPC's own threads: it takes well
// below a millisecond. Larger ones would keep other calls waiting.
inline constexpr size_t kSmallRequestBytes = size_t{64} << 10;

// Parses what a client sent, and gives its bytes back. `bytes` is gRPC's, as a handler gets it.
inline absl::Status ParseRequest(const grpc::ByteBuffer* bytes,
                                 google::protobuf::MessageLite& request) {
  // gRPC hands over a buffer of its own, and nobody else looks at it.
  const grpc::Status parsed =
      grpc::GenericDeserialize<grpc::ProtoBufferReader, google::protobuf::MessageLite>(
          const_cast<grpc::ByteBuffer*>(bytes), &request);
  if (parsed.ok()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      StrCat("the message is not a ", std::string_view(request.GetTypeName())));
}

// Writes the answer.
inline absl::Status WriteResponse(const google::protobuf::MessageLite& response,
                                  grpc::ByteBuffer* bytes) {
  bool is_own = false;
  const grpc::Status written =
      grpc::GenericSerialize<grpc::ProtoBufferWriter, google::protobuf::MessageLite>(
          response, bytes, &is_own);
  if (written.ok()) return absl::OkStatus();
  return absl::ResourceExhaustedError("the answer is too large; ask for less at a time");
}

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_RAW_CALL_H_
