#include "server/command_health.h"

#include <grpcpp/grpcpp.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/strip.h"
#include "core/base/str_cat.h"
#include "server/endpoints_file.h"
#include "server/file/file_system.h"
#include "server/file/posix_file.h"
#include "server/file/small_file.h"
#include "server/listen_address.h"
#include "server/net/connect.h"
#include "server/net/listening_sockets.h"
#include "server/service/health.grpc.pb.h"

namespace freshet {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxAnswerBytes = 4096;

absl::Status NotServing(std::string_view why) {
  return absl::UnavailableError(StrCat("the server does not serve: ", why));
}

// The server's addresses, and whether they are encrypted.
Endpoints FindEndpoints(const ServerOptions& options) {
  if (!options.endpoints_file.empty()) {
    absl::StatusOr<Endpoints> written = ReadEndpointsFile(options.endpoints_file);
    if (written.ok()) return *std::move(written);
  }
  return {.grpc = options.listen, .http = options.http, .tls = !options.tls.empty()};
}

// The address to ask: a server that listens on all addresses is asked on loopback.
absl::StatusOr<ListenAddress> AddressOf(std::string_view setting, const std::string& text,
                                        UnixSockets unix_sockets) {
  absl::StatusOr<ListenAddress> address = ParseListenAddress(setting, text, unix_sockets);
  if (!address.ok()) return address;
  if (!address->is_unix() && address->port == 0) {
    return absl::UnavailableError(StrCat(
        setting, " is ", text,
        ", and only the server knows which port it took; set endpoints_file here and for the "
        "server"));
  }
  if (address->host == "0.0.0.0") address->host = "127.0.0.1";
  if (address->host == "::") address->host = "::1";
  return address;
}

// Sends a request and returns what comes back, up to a few kilobytes.
std::string Exchange(std::string_view request,
                     const std::function<ssize_t(const char*, size_t)>& write,
                     const std::function<ssize_t(char*, size_t)>& read) {
  std::string answer;
  if (write(request.data(), request.size()) != static_cast<ssize_t>(request.size())) return answer;
  std::array<char, 1024> buffer{};
  while (answer.size() < kMaxAnswerBytes) {
    const ssize_t count = read(buffer.data(), buffer.size());
    if (count <= 0) break;
    answer.append(buffer.data(), static_cast<size_t>(count));
  }
  return answer;
}

std::string ExchangeInTheClear(int descriptor, std::string_view request) {
  return Exchange(
      request,
      [descriptor](const char* data, size_t size) {
        return send(descriptor, data, size, MSG_NOSIGNAL);
      },
      [descriptor](char* data, size_t size) { return recv(descriptor, data, size, 0); });
}

std::string ExchangeOverTls(int descriptor, std::string_view request) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  &SSL_CTX_free);
  const std::unique_ptr<SSL, decltype(&SSL_free)> session(SSL_new(context.get()), &SSL_free);
  SSL_set_fd(session.get(), descriptor);
  if (SSL_connect(session.get()) != 1) return "";
  return Exchange(
      request,
      [&session](const char* data, size_t size) -> ssize_t {
        return SSL_write(session.get(), data, static_cast<int>(size));
      },
      [&session](char* data, size_t size) -> ssize_t {
        return SSL_read(session.get(), data, static_cast<int>(size));
      });
}

absl::Status AskHttp(const Endpoints& endpoints, absl::Duration timeout) {
  constexpr std::string_view kRequest =
      "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  const Clock::time_point deadline = Clock::now() + absl::ToChronoNanoseconds(timeout);
  const absl::StatusOr<ListenAddress> address =
      AddressOf("http", endpoints.http, UnixSockets::kRefused);
  if (!address.ok()) return address.status();
  const absl::StatusOr<std::vector<SocketAddress>> resolved = Resolve("http", *address);
  if (!resolved.ok()) return resolved.status();
  const absl::StatusOr<FileDescriptor> connection = ConnectToAny(*resolved, deadline);
  if (!connection.ok()) return NotServing(ToStd(connection.status().message()));
  const std::string answer = endpoints.tls ? ExchangeOverTls(connection->get(), kRequest)
                                           : ExchangeInTheClear(connection->get(), kRequest);
  const std::string_view head = std::string_view(answer).substr(0, answer.find("\r\n"));
  if (head.starts_with("HTTP/1.") && head.find(" 200") != std::string_view::npos) {
    return absl::OkStatus();
  }
  if (head.empty()) return NotServing(StrCat("no answer over HTTP from ", endpoints.http));
  const size_t body = answer.find("\r\n\r\n");
  const std::string why = body == std::string::npos ? std::string() : answer.substr(body + 4);
  return NotServing(StrCat(head, " ", ToStd(absl::StripSuffix(why, "\n"))));
}

std::shared_ptr<grpc::ChannelCredentials> Credentials(const ServerOptions& options,
                                                      const Endpoints& endpoints) {
  namespace tls = grpc::experimental;
  if (!endpoints.tls) return grpc::InsecureChannelCredentials();
  tls::TlsChannelCredentialsOptions credentials;
  credentials.set_verify_server_certs(false);
  credentials.set_certificate_verifier(std::make_shared<tls::NoOpCertificateVerifier>());
  credentials.set_check_call_host(false);
  const auto certificate = ReadSmallFile(PosixFileSystem(), options.tls.certificate);
  const auto key = ReadSmallFile(PosixFileSystem(), options.tls.key);
  if (!options.tls.client_ca.empty() && certificate.ok() && key.ok()) {
    credentials.set_certificate_provider(std::make_shared<tls::StaticDataCertificateProvider>(
        std::vector<tls::IdentityKeyCertPair>{{*key, *certificate}}));
    credentials.watch_identity_key_cert_pairs();
  }
  return tls::TlsCredentials(credentials);
}

absl::Status AskGrpc(const ServerOptions& options, const Endpoints& endpoints,
                     absl::Duration timeout) {
  using grpc::health::v1::HealthCheckResponse;
  const absl::StatusOr<ListenAddress> address =
      AddressOf("listen", endpoints.grpc, UnixSockets::kAllowed);
  if (!address.ok()) return address.status();
  // gRPC tries every address of a name by itself, but does not say so if there is none.
  if (absl::Status resolved = Resolve("listen", *address).status(); !resolved.ok()) return resolved;
  const std::string target = TextOf(*address);
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);  // The server is on this machine.
  const auto stub = grpc::health::v1::Health::NewStub(
      grpc::CreateCustomChannel(target, Credentials(options, endpoints), arguments));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(timeout));
  context.set_wait_for_ready(true);
  HealthCheckResponse response;
  const grpc::Status status = stub->Check(&context, {}, &response);
  if (!status.ok()) {
    return NotServing(StrCat("no answer over gRPC from ", target, ": ", status.error_message()));
  }
  if (response.status() == HealthCheckResponse::SERVING) return absl::OkStatus();
  return NotServing("it is recovering its models or stopping");
}

}  // namespace

absl::Status AskHealth(const ServerOptions& options, absl::Duration timeout) {
  const Endpoints endpoints = FindEndpoints(options);
  return endpoints.http.empty() ? AskGrpc(options, endpoints, timeout)
                                : AskHttp(endpoints, timeout);
}

}  // namespace freshet
