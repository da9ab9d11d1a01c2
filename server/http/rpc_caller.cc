#include "server/http/rpc_caller.h"

#include <grpcpp/generic/generic_stub.h>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "core/base/str_cat.h"
#include "freshet/v1/learning_service.grpc.pb.h"

namespace freshet {
namespace {

absl::Status FromGrpcStatus(const grpc::Status& status) {
  return {static_cast<absl::StatusCode>(status.error_code()), status.error_message()};
}

grpc::ByteBuffer Serialize(const google::protobuf::Message& message) {
  grpc::Slice slice(message.ByteSizeLong());
  message.SerializeWithCachedSizesToArray(const_cast<uint8_t*>(slice.begin()));
  return {&slice, 1};
}

bool Parse(const grpc::ByteBuffer& buffer, google::protobuf::Message& message) {
  grpc::Slice slice;
  if (!buffer.DumpToSingleSlice(&slice).ok()) return false;
  return message.ParseFromArray(slice.begin(), static_cast<int>(slice.size()));
}

}  // namespace

void RpcCaller::Prepare(const Metadata& metadata, grpc::ClientContext& context) const {
  for (const auto& [name, value] : metadata) context.AddMetadata(name, value);
  context.set_deadline(absl::ToChronoTime(absl::Now() + timeout_));
}

absl::Status RpcCaller::CallUnary(const google::protobuf::MethodDescriptor& method,
                                  const google::protobuf::Message& request,
                                  const Metadata& metadata,
                                  google::protobuf::Message& response) const {
  grpc::ClientContext context;
  Prepare(metadata, context);
  const grpc::ByteBuffer request_bytes = Serialize(request);
  grpc::ByteBuffer response_bytes;
  grpc::Status status;
  absl::Notification done;
  grpc::GenericStub stub(channel_);
  stub.UnaryCall(&context, StrCat("/", method.service()->full_name(), "/", method.name()),
                 grpc::StubOptions(), &request_bytes, &response_bytes, [&](grpc::Status result) {
                   status = std::move(result);
                   done.Notify();
                 });
  done.WaitForNotification();
  if (status.ok() && !Parse(response_bytes, response)) {
    return absl::InternalError("the answer could not be read");
  }
  return FromGrpcStatus(status);
}

absl::Status RpcCaller::Learn(const v1::LearnRequest& request, const Metadata& metadata,
                              v1::LearnResponse& response) const {
  grpc::ClientContext context;
  Prepare(metadata, context);
  const auto stream = v1::LearningService::NewStub(channel_)->Learn(&context);
  const bool answered = stream->Write(request) && stream->WritesDone() && stream->Read(&response);
  v1::LearnResponse none;
  while (answered && stream->Read(&none)) {
  }
  absl::Status status = FromGrpcStatus(stream->Finish());
  if (!status.ok() || answered) return status;
  return absl::UnavailableError("the stream ended without an answer; send the batch again");
}

}  // namespace freshet
