// Calls the server's own services as any client does, within the process.

#ifndef FRESHET_SERVER_HTTP_RPC_CALLER_H_
#define FRESHET_SERVER_HTTP_RPC_CALLER_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <grpcpp/grpcpp.h>

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "freshet/v1/learning_service.pb.h"

namespace freshet {

// So that whatever guards and counts calls does it for all of them, once. Thread-safe; calls block.
class RpcCaller {
 public:
  using Metadata = std::multimap<std::string, std::string>;

  // Calls that take longer than `timeout` end with DEADLINE_EXCEEDED.
  RpcCaller(std::shared_ptr<grpc::Channel> channel, absl::Duration timeout)
      : channel_(std::move(channel)), timeout_(timeout) {}

  // REQUIRES: the types of the messages are those of the method, which is unary; what stands in
  // `metadata` is printable ASCII, the names in small letters.
  absl::Status CallUnary(const google::protobuf::MethodDescriptor& method,
                         const google::protobuf::Message& request, const Metadata& metadata,
                         google::protobuf::Message& response) const;

  // A Learn stream of one request.
  absl::Status Learn(const v1::LearnRequest& request, const Metadata& metadata,
                     v1::LearnResponse& response) const;

 private:
  void Prepare(const Metadata& metadata, grpc::ClientContext& context) const;

  const std::shared_ptr<grpc::Channel> channel_;
  const absl::Duration timeout_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_RPC_CALLER_H_
