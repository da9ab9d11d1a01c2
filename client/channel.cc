#include "client/channel.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include "client/rpc_status.h"
#include "core/base/str_cat.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/security/credentials.h"

namespace freshet {
namespace {

using Clock = std::chrono::steady_clock;

// Converts `time` to the wall-clock time that gRPC's functions take. gRPC turns that into a
// duration at once, so later changes of the wall clock do no harm.
std::chrono::system_clock::time_point ForGrpc(Clock::time_point time) {
  const auto left = time - Clock::now();
  return std::chrono::system_clock::now() +
         std::chrono::duration_cast<std::chrono::system_clock::duration>(left);
}

// The deadline of the call that finds out why connecting failed.
constexpr std::chrono::milliseconds kDiagnosis(500);

// For how long after the first failed attempt gRPC may make more. They follow each other after
// 100 ms or more (see MakeArguments()).
constexpr std::chrono::milliseconds kMoreTries(2000);

// The least and the greatest timeout of an attempt to connect. Apply to reconnecting as well.
constexpr int64_t kMinAttemptMs = 5'000;
constexpr int64_t kMaxAttemptMs = 120'000;

// Keepalive pings detect a server that is gone without having closed the connection. freshetd
// tolerates pings this frequent.
constexpr int kKeepaliveTimeMs = 60'000;
constexpr int kKeepaliveTimeoutMs = 20'000;

absl::StatusOr<std::string> ReadPem(const std::string& path) {
  if (path.empty()) return "";
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file || text.str().empty()) {
    return absl::NotFoundError(StrCat("cannot read the certificate or key ", path));
  }
  return text.str();
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeCredentials(
    const ClientOptions& options) {
  if (!options.tls.has_value()) return grpc::InsecureChannelCredentials();
  const ClientTls& tls = *options.tls;
  if (tls.certificate_file.empty() != tls.key_file.empty()) {
    return absl::InvalidArgumentError(
        "a client certificate and its key go together: give both, or neither");
  }
  grpc::SslCredentialsOptions ssl;
  for (const auto& [path, pem] : {std::pair(&tls.ca_file, &ssl.pem_root_certs),
                                  std::pair(&tls.certificate_file, &ssl.pem_cert_chain),
                                  std::pair(&tls.key_file, &ssl.pem_private_key)}) {
    absl::StatusOr<std::string> content = ReadPem(*path);
    if (!content.ok()) return content.status();
    *pem = *std::move(content);
  }
  return grpc::SslCredentials(ssl);
}

grpc::ChannelArguments MakeArguments(const ClientOptions& options) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetMaxSendMessageSize(-1);
  // Callers back off by themselves, so the channel should not add long waits of its own.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  // Despite its name, this is also the timeout of an attempt to connect.
  arguments.SetInt(
      GRPC_ARG_MIN_RECONNECT_BACKOFF_MS,
      static_cast<int>(std::clamp(options.connect_timeout_ms, kMinAttemptMs, kMaxAttemptMs)));
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  // Do not share the connection with other clients in this process.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return arguments;
}

// Finds out why there is no connection by making a call, since a channel reports the reason only
// through a call. Returns UNAVAILABLE with the reason in its message. Any other code means that the
// channel is connected by now, or still trying.
grpc::Status Diagnose(const std::shared_ptr<grpc::Channel>& channel) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(ForGrpc(Clock::now() + kDiagnosis));
  grpc::CompletionQueue queue;
  const auto call =
      stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check", grpc::ByteBuffer(), &queue);
  call->StartCall();
  grpc::ByteBuffer answer;
  grpc::Status status;
  call->Finish(&answer, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  return status;
}

// Waits until the channel is connected. Fails at once if the connection is refused, and once it has
// kept failing for kMoreTries. A single failure proves nothing: gRPC may read an errno that another
// call left behind, and report a connection as failed that is still being made.
absl::Status WaitUntilConnected(const std::shared_ptr<grpc::Channel>& channel,
                                const ClientOptions& options) {
  const auto deadline = Clock::now() + std::chrono::milliseconds(options.connect_timeout_ms);
  grpc_connectivity_state state = channel->GetState(/*try_to_connect=*/true);
  std::optional<Clock::time_point> first_failure;
  while (state != GRPC_CHANNEL_READY) {
    auto until = deadline;
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE) {
      const grpc::Status failure = Diagnose(channel);
      const auto now = Clock::now();
      if (!first_failure.has_value()) first_failure = now;
      if (failure.error_code() == grpc::StatusCode::UNAVAILABLE &&
          (WasRefused(failure) || now >= *first_failure + kMoreTries)) {
        return NoConnection(failure, options.server, options.tls.has_value());
      }
      until = std::min(deadline, now + kMoreTries);
    }
    if (!channel->WaitForStateChange(state, ForGrpc(until)) && Clock::now() >= deadline) {
      return CannotReach(options.server,
                         StrCat("no answer in ", options.connect_timeout_ms, " ms"));
    }
    state = channel->GetState(/*try_to_connect=*/true);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(const ClientOptions& options) {
  absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> credentials = MakeCredentials(options);
  if (!credentials.ok()) return credentials.status();
  std::shared_ptr<grpc::Channel> channel =
      grpc::CreateCustomChannel(options.server, *credentials, MakeArguments(options));
  if (absl::Status status = WaitUntilConnected(channel, options); !status.ok()) return status;
  return channel;
}

}  // namespace freshet
