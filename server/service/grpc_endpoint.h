// The gRPC endpoint: connections, limits and encryption.

#ifndef FRESHET_SERVER_SERVICE_GRPC_ENDPOINT_H_
#define FRESHET_SERVER_SERVICE_GRPC_ENDPOINT_H_

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/access/access_control.h"
#include "server/net/acceptor.h"
#include "server/net/listening_sockets.h"
#include "server/service/header_gate.h"
#include "server/tls/tls_identity.h"

namespace freshet {

// A gRPC server whose connections come through an Acceptor. Thread-safe.
class GrpcEndpoint {
 public:
  struct Options {
    // The table of connections and their limits. Must outlive the endpoint.
    ConnectionTable* connections = nullptr;
    // Calls on one connection at a time; further ones wait in their client.
    uint32_t max_connection_streams = 1100;
    uint32_t max_message_bytes = 16U << 20;
    // Memory that all connections together may use for calls and for messages that are not handled
    // yet.
    uint64_t max_receiving_bytes = uint64_t{512} << 20;
    // Null: no encryption. Must outlive the endpoint.
    const TlsIdentity* tls = nullptr;
    // Never null. Must outlive the endpoint.
    const AccessControl* access = nullptr;
  };

  using Interceptors =
      std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>>;

  // Starts to serve `services`, which must outlive the endpoint. UNAVAILABLE if that fails.
  static absl::StatusOr<std::unique_ptr<GrpcEndpoint>> Start(
      ListeningSockets sockets, const Options& options, std::span<grpc::Service* const> services,
      Interceptors interceptors);

  // Calls Shutdown() without grace.
  ~GrpcEndpoint();

  GrpcEndpoint(const GrpcEndpoint&) = delete;
  GrpcEndpoint& operator=(const GrpcEndpoint&) = delete;

  // See ListeningSockets::address().
  const std::string& address() const { return acceptor_->address(); }

  // A channel for calls from within the process, without a connection.
  std::shared_ptr<grpc::Channel> InProcessChannel(const grpc::ChannelArguments& arguments);

  // Stops listening, and cancels calls that have not ended after `grace`. Blocks until all have
  // ended.
  void Shutdown(absl::Duration grace);

 private:
  explicit GrpcEndpoint(const AccessControl& access) : gate_(access) {}

  const HeaderGate gate_;
  std::shared_ptr<grpc::ServerCredentials> credentials_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> connections_;
  std::unique_ptr<Acceptor> acceptor_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_GRPC_ENDPOINT_H_
