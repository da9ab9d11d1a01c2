// Limits on the size of requests that gRPC parses itself, enforced before they are parsed. Include
// this header wherever a service that takes such requests is implemented.

#ifndef FRESHET_SERVER_SERVICE_REQUEST_TRAITS_H_
#define FRESHET_SERVER_SERVICE_REQUEST_TRAITS_H_

#include <google/protobuf/descriptor.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <cstddef>
#include <cstdint>

#include "freshet/v1/event_service.pb.h"
#include "freshet/v1/learning_service.pb.h"
#include "freshet/v1/model_service.pb.h"
#include "freshet/v1/stats_service.pb.h"
#include "server/service/health.pb.h"

namespace freshet {

// The largest request that methods without examples or files accept; a usual one has a few hundred
// bytes.
inline constexpr size_t kMaxSmallRequestBytes = size_t{64} << 10;

// Parses a request of at most `max_bytes` whose parsed form takes at most kMaxParsedGrowth times
// its length (or times kMaxSmallRequestBytes, if that is more). Otherwise returns
// RESOURCE_EXHAUSTED without parsing anything. Frees the bytes in any case.
grpc::Status ParseBounded(grpc::ByteBuffer* bytes, const google::protobuf::Descriptor& type,
                          size_t max_bytes, google::protobuf::MessageLite* request);

// The serialization functions that gRPC's templates require for a request type.
template <typename Request, size_t kMaxBytes>
struct BoundedRequest {
  static grpc::Status Serialize(const google::protobuf::MessageLite& request,
                                grpc::ByteBuffer* bytes, bool* is_own) {
    return grpc::GenericSerialize<grpc::ProtoBufferWriter, Request>(request, bytes, is_own);
  }
  static grpc::Status Deserialize(grpc::ByteBuffer* bytes, google::protobuf::MessageLite* request) {
    return ParseBounded(bytes, *Request::descriptor(), kMaxBytes, request);
  }
};

template <typename Request>
using SmallRequest = BoundedRequest<Request, kMaxSmallRequestBytes>;

}  // namespace freshet

// Specializations for gRPC, which uses them for these request types.
namespace grpc {

template <>
class SerializationTraits<freshet::v1::GetProducerRequest>
    : public freshet::SmallRequest<freshet::v1::GetProducerRequest> {};
template <>
class SerializationTraits<freshet::v1::CreateModelRequest>
    : public freshet::SmallRequest<freshet::v1::CreateModelRequest> {};
template <>
class SerializationTraits<freshet::v1::GetModelRequest>
    : public freshet::SmallRequest<freshet::v1::GetModelRequest> {};
template <>
class SerializationTraits<freshet::v1::ListModelsRequest>
    : public freshet::SmallRequest<freshet::v1::ListModelsRequest> {};
template <>
class SerializationTraits<freshet::v1::UpdateModelRequest>
    : public freshet::SmallRequest<freshet::v1::UpdateModelRequest> {};
template <>
class SerializationTraits<freshet::v1::DeleteModelRequest>
    : public freshet::SmallRequest<freshet::v1::DeleteModelRequest> {};
template <>
class SerializationTraits<freshet::v1::CreateSnapshotRequest>
    : public freshet::SmallRequest<freshet::v1::CreateSnapshotRequest> {};
template <>
class SerializationTraits<freshet::v1::GetSnapshotRequest>
    : public freshet::SmallRequest<freshet::v1::GetSnapshotRequest> {};
template <>
class SerializationTraits<freshet::v1::ListSnapshotsRequest>
    : public freshet::SmallRequest<freshet::v1::ListSnapshotsRequest> {};
template <>
class SerializationTraits<freshet::v1::DeleteSnapshotRequest>
    : public freshet::SmallRequest<freshet::v1::DeleteSnapshotRequest> {};
template <>
class SerializationTraits<freshet::v1::RestoreSnapshotRequest>
    : public freshet::SmallRequest<freshet::v1::RestoreSnapshotRequest> {};
template <>
class SerializationTraits<freshet::v1::ExportSnapshotRequest>
    : public freshet::SmallRequest<freshet::v1::ExportSnapshotRequest> {};
template <>
class SerializationTraits<freshet::v1::ComputeDigestRequest>
    : public freshet::SmallRequest<freshet::v1::ComputeDigestRequest> {};
template <>
class SerializationTraits<freshet::v1::ListTopWeightsRequest>
    : public freshet::SmallRequest<freshet::v1::ListTopWeightsRequest> {};
template <>
class SerializationTraits<freshet::v1::GetEventRequest>
    : public freshet::SmallRequest<freshet::v1::GetEventRequest> {};
template <>
class SerializationTraits<freshet::v1::ListEventsRequest>
    : public freshet::SmallRequest<freshet::v1::ListEventsRequest> {};
template <>
class SerializationTraits<freshet::v1::CompareSnapshotsRequest>
    : public freshet::SmallRequest<freshet::v1::CompareSnapshotsRequest> {};
template <>
class SerializationTraits<health::v1::HealthCheckRequest>
    : public freshet::SmallRequest<health::v1::HealthCheckRequest> {};
// Carries a piece of a file, so only limits.max_message_bytes bounds it.
template <>
class SerializationTraits<freshet::v1::ImportSnapshotRequest>
    : public freshet::BoundedRequest<freshet::v1::ImportSnapshotRequest, SIZE_MAX> {};

}  // namespace grpc

#endif  // FRESHET_SERVER_SERVICE_REQUEST_TRAITS_H_
