// The checks that every gRPC call passes first: who calls, whether they may, and whether they call
// too often.

#ifndef FRESHET_SERVER_SERVICE_CALL_GATE_H_
#define FRESHET_SERVER_SERVICE_CALL_GATE_H_

#include <google/protobuf/message.h>
#include <grpcpp/grpcpp.h>

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/access/access_control.h"
#include "server/access/caller.h"
#include "server/net/connection_table.h"
#include "server/service/client_limits.h"
#include "server/service/grpc_status.h"

namespace freshet {

// Every handler calls it before doing anything else. Thread-safe.
class CallGate {
 public:
  // Keeps references to all arguments. Tells `connections` which connections have an identified
  // caller.
  CallGate(const AccessControl& access, ClientLimits& limits, ConnectionTable& connections)
      : access_(access), limits_(limits), connections_(connections) {}

  // Identifies the caller. UNAUTHENTICATED as for AccessControl::Identify().
  absl::StatusOr<Caller> Identify(const grpc::CallbackServerContext& context) const;

  // Identifies the caller, and checks that the caller may make the call (see CheckCall()) and has
  // not made too many.
  absl::StatusOr<Caller> Admit(grpc::CallbackServerContext& context,
                               const google::protobuf::Message& request) const;

  // The same for a unary call. Ends the call with the error and returns nullopt if it is refused.
  std::optional<Caller> Admit(grpc::CallbackServerContext& context,
                              const google::protobuf::Message& request,
                              grpc::ServerUnaryReactor* reactor) const;

  // The same for a call whose request is not parsed yet: whoever parses it has to call CheckCall().
  absl::StatusOr<Caller> AdmitUnparsed(grpc::CallbackServerContext& context) const;

  // The client that ClientLimits counts for: the token's name, or the address without tokens.
  static std::string ClientOf(const Caller& caller, const grpc::CallbackServerContext& context);

  const AccessControl& access() const { return access_; }
  ClientLimits& limits() const { return limits_; }

 private:
  // OK unless the caller has made too many calls.
  absl::Status TakeRequest(const Caller& caller, grpc::CallbackServerContext& context) const;

  const AccessControl& access_;
  ClientLimits& limits_;
  ConnectionTable& connections_;
};

// If RetryAfter() of the status is not zero, adds it to the trailing metadata of the call as
// `retry-after-ms`. REQUIRES: the call has not ended yet.
void AddRetryHint(const absl::Status& status, grpc::CallbackServerContext& context);

// A reactor that refuses a stream with an error. `Reactor` is gRPC's type, for example
// grpc::ServerWriteReactor<Response>. Deletes itself.
template <typename Reactor>
class RefusedStream final : public Reactor {
 public:
  explicit RefusedStream(const absl::Status& status) { this->Finish(ToGrpcStatus(status)); }
  void OnDone() override { delete this; }
};

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_CALL_GATE_H_
