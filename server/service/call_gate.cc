#include "server/service/call_gate.h"

#include <string_view>
#include <utility>

#include "server/access/permissions.h"
#include "server/net/acceptor.h"
#include "server/service/call_origin.h"

namespace freshet {

absl::StatusOr<Caller> CallGate::Identify(const grpc::CallbackServerContext& context) const {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find("authorization");
  absl::StatusOr<Caller> caller = access_.Identify(
      found == metadata.end() ? std::string_view()
                              : std::string_view(found->second.data(), found->second.size()));
  if (caller.ok() && !connections_.all_are_clients()) {
    connections_.MarkClient(PeerName(context.peer()));
  }
  return caller;
}

std::string CallGate::ClientOf(const Caller& caller, const grpc::CallbackServerContext& context) {
  return caller.name().empty() ? CallerAddress(context) : std::string(caller.name());
}

absl::StatusOr<Caller> CallGate::Admit(grpc::CallbackServerContext& context,
                                       const google::protobuf::Message& request) const {
  absl::StatusOr<Caller> caller = Identify(context);
  if (!caller.ok()) return caller;
  if (absl::Status status = CheckCall(*caller, request); !status.ok()) return status;
  if (absl::Status status = TakeRequest(*caller, context); !status.ok()) return status;
  return caller;
}

absl::StatusOr<Caller> CallGate::AdmitUnparsed(grpc::CallbackServerContext& context) const {
  absl::StatusOr<Caller> caller = Identify(context);
  if (!caller.ok()) return caller;
  if (absl::Status status = TakeRequest(*caller, context); !status.ok()) return status;
  return caller;
}

absl::Status CallGate::TakeRequest(const Caller& caller,
                                   grpc::CallbackServerContext& context) const {
  if (!limits_.limits_requests()) return absl::OkStatus();
  absl::Status status = limits_.TakeRequest(ClientOf(caller, context));
  if (!status.ok()) AddRetryHint(status, context);
  return status;
}

std::optional<Caller> CallGate::Admit(grpc::CallbackServerContext& context,
                                      const google::protobuf::Message& request,
                                      grpc::ServerUnaryReactor* reactor) const {
  absl::StatusOr<Caller> caller = Admit(context, request);
  if (caller.ok()) return *std::move(caller);
  reactor->Finish(ToGrpcStatus(caller.status()));
  return std::nullopt;
}

void AddRetryHint(const absl::Status& status, grpc::CallbackServerContext& context) {
  const absl::Duration wait = RetryAfter(status);
  if (wait == absl::ZeroDuration()) return;
  context.AddTrailingMetadata("retry-after-ms", std::to_string(absl::ToInt64Milliseconds(wait)));
}

}  // namespace freshet
