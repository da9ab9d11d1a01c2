#include "server/service/grpc_endpoint.h"

#include <grpc/support/time.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/resource_quota.h>

#include <string_view>
#include <utility>

#include "server/tls/grpc_credentials.h"

namespace freshet {
namespace {

// A connection on which nothing comes for kKeepaliveTimeMs is pinged, and closed if there is no
// answer within kKeepaliveTimeoutMs. Clients may ping as often as every kLeastPingIntervalMs, which
// is more often than ours do.
constexpr int kKeepaliveTimeMs = 60'000;
constexpr int kKeepaliveTimeoutMs = 20'000;
constexpr int kLeastPingIntervalMs = 10'000;

// Connections without calls are closed after this time; clients open another when they need it.
constexpr int kIdleConnectionMs = 3'600'000;

// From accepting a connection to the end of the TLS handshake and the client's HTTP/2 settings.
constexpr int kHandshakeTimeoutMs = 10'000;

// How much gRPC buffers of a stream that the server is not reading. By default gRPC buffers more
// the longer that lasts, up to tens of megabytes per stream while a queue is full. 2 MiB suffice
// for 10 Gbit/s at a round trip of 1.6 ms.
constexpr int kReadAheadBytes = 2 << 20;

void SetConnectionArguments(grpc::ServerBuilder& builder, const GrpcEndpoint::Options& options) {
  const auto set = [&builder](const char* name, int value) {
    builder.AddChannelArgument(name, value);
  };
  set(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  set(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  set(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  set(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kLeastPingIntervalMs);
  set(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kIdleConnectionMs);
  set(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeTimeoutMs);
  set(GRPC_ARG_MAX_CONCURRENT_STREAMS, static_cast<int>(options.max_connection_streams));
  set(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  set(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kReadAheadBytes);
  // A decompressed message could take a thousand times the bytes that were sent, before any limit
  // is checked. Our clients do not compress messages.
  set(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  set(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1 << GRPC_COMPRESS_NONE);
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.max_message_bytes));
  builder.SetResourceQuota(
      grpc::ResourceQuota("freshetd").Resize(static_cast<size_t>(options.max_receiving_bytes)));
}

// Removes reflection from one server; gRPC's library adds it to all servers of a process.
class NoReflection : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments* /*arguments*/) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    std::erase_if(*plugins,
                  [](const auto& plugin) { return plugin->name() == "proto_server_reflection"; });
  }
};

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcEndpoint>> GrpcEndpoint::Start(
    ListeningSockets sockets, const Options& options, std::span<grpc::Service* const> services,
    Interceptors interceptors) {
  std::unique_ptr<GrpcEndpoint> endpoint(new GrpcEndpoint(*options.access));
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  // Reflection cannot check tokens, so it is off if there are any. Health stays open, since clients
  // that watch it send no token.
  if (options.access->has_tokens()) builder.SetOption(std::make_unique<NoReflection>());
  endpoint->credentials_ = MakeGrpcCredentials(options.tls, endpoint->gate_.processor());
  endpoint->connections_ = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      endpoint->credentials_);
  SetConnectionArguments(builder, options);
  for (grpc::Service* service : services) builder.RegisterService(service);
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
  endpoint->server_ = builder.BuildAndStart();
  if (endpoint->server_ == nullptr) return absl::UnavailableError("gRPC cannot start");
  const auto hand_over = [connections = endpoint->connections_.get()](FileDescriptor socket) {
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters parameters;
    parameters.fd = socket.Release();
    connections->HandleNewConnection(&parameters);
  };
  absl::StatusOr<std::unique_ptr<Acceptor>> acceptor =
      Acceptor::Start(std::move(sockets), *options.connections, hand_over);
  if (!acceptor.ok()) return acceptor.status();
  endpoint->acceptor_ = *std::move(acceptor);
  return endpoint;
}

std::shared_ptr<grpc::Channel> GrpcEndpoint::InProcessChannel(
    const grpc::ChannelArguments& arguments) {
  return server_->InProcessChannel(arguments);
}

void GrpcEndpoint::Shutdown(absl::Duration grace) {
  if (acceptor_ != nullptr) acceptor_->Stop();
  server_->Shutdown(
      gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                   gpr_time_from_nanos(absl::ToInt64Nanoseconds(grace), GPR_TIMESPAN)));
}

GrpcEndpoint::~GrpcEndpoint() {
  if (server_ != nullptr) Shutdown(absl::ZeroDuration());
}

}  // namespace freshet
