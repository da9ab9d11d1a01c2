// Messages of raw methods. Their handlers get the bytes of a request and choose on which thread to
// parse them.

#ifndef FRESHET_SERVER_SERVICE_RAW_CALL_H_
#define FRESHET_SERVER_SERVICE_RAW_CALL_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message_lite.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "core/base/str_cat.h"
#include "server/codec/decoded_batch.h"
#include "server/codec/parsed_size.h"
#include "server/record/encoded_record.h"

namespace freshet {

// Requests of up to this many bytes are parsed and served on gRPC's own threads, which takes well
// below a millisecond. Larger ones would delay other calls.
inline constexpr size_t kSmallRequestBytes = size_t{64} << 10;

// Checks that a message of this type will be within the limits once it is parsed.
// RESOURCE_EXHAUSTED as for CheckParsedSize(). Skips the check for messages that are too short to
// exceed them.
inline absl::Status CheckRequestSize(const grpc::ByteBuffer* bytes,
                                     const google::protobuf::Descriptor& type,
                                     const BatchLimits& limits) {
  if (bytes->Length() <= limits.max_parsed_bytes / kWorstParsedGrowth) return absl::OkStatus();
  // gRPC hands over a buffer of its own, and nobody else looks at it.
  grpc::ProtoBufferReader reader(const_cast<grpc::ByteBuffer*>(bytes));
  return CheckParsedSize(type, reader,
                         {.max_bytes = limits.max_parsed_bytes,
                          .max_examples = limits.max_examples,
                          .base = "limits.max_message_bytes"});
}
inline absl::Status CheckRequestSize(const std::vector<grpc::Slice>& pieces,
                                     const google::protobuf::Descriptor& type,
                                     const BatchLimits& limits) {
  size_t length = 0;
  for (const grpc::Slice& piece : pieces) length += piece.size();
  if (length <= limits.max_parsed_bytes / kWorstParsedGrowth) return absl::OkStatus();
  const grpc::ByteBuffer bytes(pieces.data(), pieces.size());
  return CheckRequestSize(&bytes, type, limits);
}

// The pieces of a message as one, so that the parser knows the size of a column before it copies
// it. Bytes that are in one piece are not copied.
inline SharedBytes JoinPieces(const std::vector<grpc::Slice>& pieces) {
  if (pieces.empty()) return {};
  auto joined = std::make_shared<grpc::Slice>(pieces.front());
  if (pieces.size() > 1) {
    grpc::ByteBuffer(pieces.data(), pieces.size()).DumpToSingleSlice(joined.get()).ok();
  }
  const ByteSpan bytes(reinterpret_cast<const std::byte*>(joined->begin()), joined->size());
  return {bytes, std::move(joined)};
}

// Parses a request and frees its bytes. `bytes` is gRPC's buffer, as a handler gets it.
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

// Serializes the answer. RESOURCE_EXHAUSTED if it is too large.
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
