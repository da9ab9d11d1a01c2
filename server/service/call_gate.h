// Where calls over gRPC come in: who calls, and may they?

#ifndef FRESHET_SERVER_SERVICE_CALL_GATE_H_
#define FRESHET_SERVER_SERVICE_CALL_GATE_H_

#include <google/protobuf/message.h>
#include <grpcpp/grpcpp.h>

#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/access/access_control.h"
#include "server/access/caller.h"
#include "server/service/grpc_status.h"

namespace freshet {

// Every handler asks it before it does anything. Thread-safe.
class CallGate {
 public:
  // Keeps a reference.
  explicit CallGate(const AccessControl& access) : access_(access) {}

  // Who makes a call. UNAUTHENTICATED as AccessControl::Identify().
  absl::StatusOr<Caller> Identify(const grpc::CallbackServerContext& context) const;

  // The same, where the caller may also make the call; see CheckCall().
  absl::StatusOr<Caller> Admit(const grpc::CallbackServerContext& context,
                               const google::protobuf::Message& request) const;

  // The same for a unary call, which is ended where there is no caller.
  std::optional<Caller> Admit(const grpc::CallbackServerContext& context,
                              const google::protobuf::Message& request,
                              grpc::ServerUnaryReactor* reactor) const;

  const AccessControl& access() const { return access_; }

 private:
  const AccessControl& access_;
};

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
