// Where calls over gRPC come in: who calls, and may they, and not too often?

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

// Every handler asks it before it does anything. Thread-safe.
class CallGate {
 public:
  // Keeps references. `connections` is told of the callers that are known.
  CallGate(const AccessControl& access, ClientLimits& limits, ConnectionTable& connections)
      : access_(access), limits_(limits), connections_(connections) {}

  // Who makes a call. UNAUTHENTICATED as AccessControl::Identify().
  absl::StatusOr<Caller> Identify(const grpc::CallbackServerContext& context) const;

  // The same, where the caller may also make the call, see CheckCall(), and has not made too many.
  absl::StatusOr<Caller> Admit(grpc::CallbackServerContext& context,
                               const google::protobuf::Message& request) const;

  // The same for a unary call, which is ended where there is no caller.
  std::optional<Caller> Admit(grpc::CallbackServerContext& context,
                              const google::protobuf::Message& request,
                              grpc::ServerUnaryReactor* reactor) const;

  // The same for a call whose request is not parsed yet: CheckCall() is left to who parses it.
  absl::StatusOr<Caller> AdmitUnparsed(grpc::CallbackServerContext& context) const;

  // Whom the limits of single clients count: the token's name, or the address.
  static std::string ClientOf(const Caller& caller, const grpc::CallbackServerContext& context);

  const AccessControl& access() const { return access_; }
  ClientLimits& limits() const { return limits_; }

 private:
  // OK where the caller has not made too many.
  absl::Status TakeRequest(const Caller& caller, grpc::CallbackServerContext& context) const;

  const AccessControl& access_;
  ClientLimits& limits_;
  ConnectionTable& connections_;
};

// Adds what RetryAfter() of a status says, if anything, to the answer of a call that is not ended
// yet: `retry-after-ms` of its trailing metadata.
void AddRetryHint(const absl::Status& status, grpc::CallbackServerContext& context);

// A stream that ends before it begins. `Reactor` is gRPC's, for example
// grpc::ServerWriteReactor<Response>. Deletes itself.
template <typename Reactor>
class RefusedStream final : public Reactor {
 public:
  explicit RefusedStream(const absl::Status& status) { this->Finish(ToGrpcStatus(status)); }
  void OnDone() override { delete this; }
};

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_CALL_GATE_H_
