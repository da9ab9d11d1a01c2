#include "server/service/call_gate.h"

#include <string_view>
#include <utility>

#include "server/access/permissions.h"

namespace freshet {

absl::StatusOr<Caller> CallGate::Identify(const grpc::CallbackServerContext& context) const {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find("authorization");
  if (found == metadata.end()) return access_.Identify("");
  return access_.Identify(std::string_view(found->second.data(), found->second.size()));
}

absl::StatusOr<Caller> CallGate::Admit(const grpc::CallbackServerContext& context,
                                       const google::protobuf::Message& request) const {
  absl::StatusOr<Caller> caller = Identify(context);
  if (!caller.ok()) return caller;
  if (absl::Status status = CheckCall(*caller, request); !status.ok()) return status;
  return caller;
}

std::optional<Caller> CallGate::Admit(const grpc::CallbackServerContext& context,
                                      const google::protobuf::Message& request,
                                      grpc::ServerUnaryReactor* reactor) const {
  absl::StatusOr<Caller> caller = Admit(context, request);
  if (caller.ok()) return *std::move(caller);
  reactor->Finish(ToGrpcStatus(caller.status()));
  return std::nullopt;
}

}  // namespace freshet
