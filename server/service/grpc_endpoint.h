// gRPC as the server speaks it: connections, limits, encryption.

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
    // Which connections there are, and their limits. Outlives the endpoint.
    ConnectionTable* connections = nullptr;
    // Streams of one connection at a time; more wait at their client.
    uint32_t max_connection_streams = 1100;
    uint32_t max_message_bytes = 16U << 20;
    // What all connections together may hold of messages that are not handled yet, and of calls.
    uint64_t max_receiving_bytes = uint64_t{512} << 20;
    // Null: no encryption. Outlives the endpoint.
    const TlsIdentity* tls = nullptr;
    // Outlives the endpoint.
    const AccessControl* access = nullptr;
  };

  using Interceptors =
      std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>>;

  // Serves `services`, which outlive the endpoint, from now on. UNAVAILABLE where that cannot be.
  static absl::StatusOr<std::unique_ptr<GrpcEndpoint>> Start(
      ListeningSockets sockets, const Options& options, std::span<grpc::Service* const> services,
      Interceptors interceptors);

  // As Shutdown() at once.
  ~GrpcEndpoint();

  GrpcEndpoint(const GrpcEndpoint&) = delete;
  GrpcEndpoint& operator=(const GrpcEndpoint&) = delete;

  // As ListeningSockets::address().
  const std::string& address() const { return acceptor_->address(); }

  // For calls from within the process, which need no connection.
  std::shared_ptr<grpc::Channel> InProcessChannel(const grpc::ChannelArguments& arguments);

  // Stops listening, and ends the calls that have not ended after `grace`. Blocks until all have.
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
