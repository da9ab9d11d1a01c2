// How much gRPC takes of the requests that it parses by itself, before anybody else looks at them.

#ifndef FRESHET_SERVER_SERVICE_REQUEST_TRAITS_H_
#define FRESHET_SERVER_SERVICE_REQUEST_TRAITS_H_

#include <google/protobuf/descriptor.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <cstddef>
#include <cstdint>

#include "freshet/v1/model_service.pb.h"
#include "freshet/v1/stats_service.pb.h"
#include "server/service/health.pb.h"

namespace freshet {

// The largest request of a method that takes no examples and no file; a usual one has a few hundred
// bytes.
inline constexpr size_t kMaxSmallRequestBytes = size_t{64} << 10;

// Parses a request that is not larger than `max_bytes`, and of which not more memory is made than
// eight times of that. RESOURCE_EXHAUSTED for others, of which nothing is parsed. Gives the bytes
// back in any case.
grpc::Status ParseBounded(grpc::ByteBuffer* bytes, const google::protobuf::Descriptor& type,
                          size_t max_bytes, google::protobuf::MessageLite* request);

// What gRPC's templates ask of a type of requests.
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

// To be included wherever a service that takes them is implemented.
namespace grpc {

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
class SerializationTraits<freshet::v1::CompareSnapshotsRequest>
    : public freshet::SmallRequest<freshet::v1::CompareSnapshotsRequest> {};
template <>
class SerializationTraits<health::v1::HealthCheckRequest>
    : public freshet::SmallRequest<health::v1::HealthCheckRequest> {};
// Carries as much of a file as a message may.
template <>
class SerializationTraits<freshet::v1::ImportSnapshotRequest>
    : public freshet::BoundedRequest<freshet::v1::ImportSnapshotRequest, SIZE_MAX> {};

}  // namespace grpc

#endif  // FRESHET_SERVER_SERVICE_REQUEST_TRAITS_H_
