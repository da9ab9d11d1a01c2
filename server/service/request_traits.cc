#include "server/service/request_traits.h"

#include <algorithm>

#include "core/base/str_cat.h"
#include "server/codec/parsed_size.h"
#include "server/service/grpc_status.h"

namespace freshet {
namespace {

absl::Status CheckBytes(grpc::ByteBuffer* bytes, const google::protobuf::Descriptor& type,
                        size_t max_bytes) {
  const size_t length = bytes->Length();
  if (length > max_bytes) {
    return absl::ResourceExhaustedError(StrCat("the message has ", length, " bytes; at most ",
                                               max_bytes, " are accepted for a ",
                                               std::string_view(type.full_name())));
  }
  const uint64_t max_parsed_bytes =
      kMaxParsedGrowth * std::max<uint64_t>(length, kMaxSmallRequestBytes);
  if (length <= max_parsed_bytes / kWorstParsedGrowth) return absl::OkStatus();
  grpc::ProtoBufferReader reader(bytes);
  return CheckParsedSize(type, reader, {.max_bytes = max_parsed_bytes});
}

}  // namespace

grpc::Status ParseBounded(grpc::ByteBuffer* bytes, const google::protobuf::Descriptor& type,
                          size_t max_bytes, google::protobuf::MessageLite* request) {
  const absl::Status status = CheckBytes(bytes, type, max_bytes);
  if (!status.ok()) {
    bytes->Clear();
    return ToGrpcStatus(status);
  }
  return grpc::GenericDeserialize<grpc::ProtoBufferReader, google::protobuf::MessageLite>(bytes,
                                                                                          request);
}

}  // namespace freshet
