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

using SteadyClock = std::chrono::steady_clock;

// gRPC takes moments of the wall clock, and makes spans of time of them as soon as it gets them.
std::chrono::system_clock::time_point ForGrpc(SteadyClock::time_point time) {
  const auto left = time - SteadyClock::now();
  return std::chrono::system_clock::now() +
         std::chrono::duration_cast<std::chrono::system_clock::duration>(left);
}

// How long to look for the reason of a connection that failed.
constexpr std::chrono::milliseconds kDiagnosis(500);

// For how long more tries may follow one that failed; they come after 100 ms and more.
constexpr std::chrono::milliseconds kMoreTries(2000);

// What an attempt to connect gets at least and at most, also those after a connection was lost.
constexpr int64_t kMinAttemptMs = 5'000;
constexpr int64_t kMaxAttemptMs = 120'000;

// Keepalive, so that a server that is gone without a word is noticed. Servers take one this often.
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
  // Callers back off by themselves; the channel must not add its own long waits to theirs.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  // gRPC gives an attempt to connect as long as this.
  arguments.SetInt(
      GRPC_ARG_MIN_RECONNECT_BACKOFF_MS,
      static_cast<int>(std::clamp(options.connect_timeout_ms, kMinAttemptMs, kMaxAttemptMs)));
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  // A connection of one's own, not shared with other clients of this process.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return arguments;
}

// Why there is no connection, as UNAVAILABLE: a channel says so only to a call. Another code where
// it is connected by now, or trying.
grpc::Status Diagnose(const std::shared_ptr<grpc::Channel>& channel) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(ForGrpc(SteadyClock::now() + kDiagnosis));
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

// Waits until the channel is connected, is refused, or goes on failing: gRPC may look at errno
// when it is that of another call, and take a connection for failed that is being made.
absl::Status WaitUntilConnected(const std::shared_ptr<grpc::Channel>& channel,
                                const ClientOptions& options) {
  const auto deadline = SteadyClock::now() + std::chrono::milliseconds(options.connect_timeout_ms);
  grpc_connectivity_state state = channel->GetState(/*try_to_connect=*/true);
  std::optional<SteadyClock::time_point> first_failure;
  while (state != GRPC_CHANNEL_READY) {
    auto until = deadline;
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE) {
      const grpc::Status failure = Diagnose(channel);
      const auto now = SteadyClock::now();
      if (!first_failure.has_value()) first_failure = now;
      if (failure.error_code() == grpc::StatusCode::UNAVAILABLE &&
          (WasRefused(failure) || now >= *first_failure + kMoreTries)) {
        return NoConnection(failure, options.server, options.tls.has_value());
      }
      until = std::min(deadline, now + kMoreTries);
    }
    if (!channel->WaitForStateChange(state, ForGrpc(until)) && SteadyClock::now() >= deadline) {
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
