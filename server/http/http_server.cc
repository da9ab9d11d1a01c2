#include "server/http/http_server.h"

#include <httplib.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <latch>
#include <optional>
#include <semaphore>
#include <set>
#include <string_view>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "core/base/str_cat.h"
#include "server/http/connection.h"
#include "server/http/json_answer.h"
#include "server/http/tls_session.h"
#include "server/listen_address.h"
#include "server/runtime/worker_pool.h"

namespace freshet {
namespace {

constexpr int kThreads = 16;

// Requests to the API at a time, with the reading of their bodies; the other threads are left to
// pages.
constexpr ptrdiff_t kMaxApiRequests = 12;

// What a body in chunks takes beside its bytes.
constexpr size_t kChunkAllowanceBytes = 65'536;

// Connections that are accepted, served or in line; others wait in the system's own line.
constexpr ptrdiff_t kMaxConnections = 64;

// Runs what the library's listening thread hands over; holds that thread up while too much waits.
class ConnectionQueue : public httplib::TaskQueue {
 public:
  void enqueue(std::function<void()> serve) override {
    room_.acquire();
    pool_->Post([this, serve = std::move(serve)] {
      serve();
      room_.release();
    });
  }

  void shutdown() override { pool_.reset(); }

 private:
  std::counting_semaphore<> room_{kMaxConnections};
  std::unique_ptr<WorkerPool> pool_ = std::make_unique<WorkerPool>("http", kThreads);
};

// Two servers on one port are an error; a port whose last server has ended is free at once.
void SetSocketOptions(socket_t socket) {
  const int yes = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
}

HttpRequest ReadHead(const httplib::Request& from) {
  HttpRequest head;
  head.method = from.method == "HEAD" ? "GET" : from.method;
  head.path = from.path;
  head.query = from.params;
  head.has_client_certificate = HasClientCertificate(from.ssl);
  head.client_address = from.remote_addr;
  for (const auto& [name, value] : from.headers) {
    std::string small = name;
    std::transform(small.begin(), small.end(), small.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    head.headers.emplace(std::move(small), value);
  }
  return head;
}

void WriteAnswer(HttpAnswer answer, httplib::Response& response) {
  if (answer.status != 200) response.status = answer.status;  // Else 206 for a range.
  response.set_header("X-Content-Type-Options", "nosniff");
  if (!answer.headers.contains("Cache-Control")) response.set_header("Cache-Control", "no-store");
  for (const auto& [name, value] : answer.headers) response.set_header(name, value);
  response.set_header("Content-Type", answer.content_type);
  response.body = std::move(answer.body);
}

uint64_t AnnouncedBytes(const httplib::Request& request) {
  return request.get_header_value<uint64_t>("Content-Length");
}

bool HasBody(const std::string& method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

}  // namespace

class HttpServer::Listener : public httplib::Server {
 public:
  explicit Listener(const HttpServer& owner) : owner_(owner) {
    set_socket_options(SetSocketOptions);
    set_payload_max_length(owner.options_.max_body_bytes);
    new_task_queue = [listening = listening_] {  // Called once stop() has an effect.
      listening->count_down();
      return new ConnectionQueue;
    };
    // Before the library looks at it: it would read a body.
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      return RespondToHead(request, response) ? HandlerResponse::Handled
                                              : HandlerResponse::Unhandled;
    });
    const HandlerWithContentReader respond =
        [this](const httplib::Request& request, httplib::Response& response,
               const httplib::ContentReader& body) { RespondToBody(request, response, body); };
    Post(".*", respond);
    Put(".*", respond);
    Patch(".*", respond);
    set_expect_100_continue_handler(
        [this](const httplib::Request& request, httplib::Response& response) {
          return RefuseEarly(request, response) ? response.status : 100;
        });
  }

  void AwaitListening() { listening_->wait(); }

  // Ends the connections that there are, and at once those that wait in line.
  void CutOff() {
    absl::MutexLock lock(&mu_);
    cut_off_ = true;
    for (const socket_t socket : open_) shutdown(socket, SHUT_RDWR);
  }

 private:
  // A connection that is served, so that it can be cut off.
  class OpenSocket {
   public:
    OpenSocket(Listener& owner, socket_t socket) : owner_(owner), socket_(socket) {
      absl::MutexLock lock(&owner_.mu_);
      owner_.open_.insert(socket_);
      if (owner_.cut_off_) shutdown(socket_, SHUT_RDWR);
    }
    ~OpenSocket() {
      absl::MutexLock lock(&owner_.mu_);
      owner_.open_.erase(socket_);
    }
    OpenSocket(const OpenSocket&) = delete;
    OpenSocket& operator=(const OpenSocket&) = delete;

   private:
    Listener& owner_;
    const socket_t socket_;
  };

  bool process_and_close_socket(socket_t socket) override {
    const HttpOptions& options = owner_.options_;
    const std::shared_ptr<const TlsMaterial> tls =
        options.tls == nullptr ? nullptr : options.tls->material();
    Connection connection(socket, options.request_timeout, options.answer_timeout,
                          options.max_request_bytes, tls.get());
    const OpenSocket open(*this, socket);  // Ends before the connection closes the socket.
    if (!connection.Begin()) return false;
    bool closed = false;
    return process_request(
        connection, /*close_connection=*/true, closed, [&](httplib::Request& request) {
          request.ssl = connection.ssl();
          // The library's other encodings cost far more time than they save bytes.
          if (request.get_header_value("Accept-Encoding").find("gzip") != std::string::npos) {
            request.headers.erase("Accept-Encoding");
            request.set_header("Accept-Encoding", "gzip");
          }
          const bool taken = HasBody(request.method) && IsForApi(request);
          connection.ExpectBody(taken ? options.max_body_bytes + kChunkAllowanceBytes : 0,
                                AnnouncedBytes(request), options.body_timeout);
        });
  }

  bool IsForApi(const httplib::Request& request) const {
    return owner_.api_ != nullptr && owner_.api_->Owns(request.path);
  }

  // The answer to a request whose head says enough to refuse it.
  std::optional<HttpAnswer> Refuse(const httplib::Request& request, const HttpRequest& head) const {
    if (absl::Status status = owner_.CheckCertificate(head); !status.ok()) {
      return ErrorAnswer(status);
    }
    std::optional<HttpAnswer> refusal = owner_.api_->Refuse(head);
    if (refusal || AnnouncedBytes(request) <= owner_.options_.max_body_bytes) return refusal;
    return owner_.api_->BadBody(/*too_long=*/true);
  }

  // True, with the answer, where the client asks whether to send a body, and need not.
  bool RefuseEarly(const httplib::Request& request, httplib::Response& response) const {
    if (!IsForApi(request)) return false;
    std::optional<HttpAnswer> refusal = Refuse(request, ReadHead(request));
    if (!refusal) return false;
    WriteAnswer(*std::move(refusal), response);
    response.set_header("Content-Length", std::to_string(response.body.size()));
    return true;
  }

  // False where the body is to be read first.
  bool RespondToHead(const httplib::Request& request, httplib::Response& response) {
    if (!IsForApi(request)) {
      WriteAnswer(owner_.RespondPage(ReadHead(request)), response);
      return true;
    }
    const HttpRequest head = ReadHead(request);
    if (std::optional<HttpAnswer> refusal = Refuse(request, head)) {
      WriteAnswer(*std::move(refusal), response);
      return true;
    }
    if (HasBody(request.method)) return false;
    WriteAnswer(RespondInTurn([&] { return owner_.api_->Respond(head); }), response);
    return true;
  }

  void RespondToBody(const httplib::Request& request, httplib::Response& response,
                     const httplib::ContentReader& reader) {
    HttpAnswer answer = RespondInTurn([&] {
      HttpRequest full = ReadHead(request);
      bool too_long = false;
      const bool read = !HasContent(full) || reader([&](const char* data, size_t size) {
        too_long = full.body.size() + size > owner_.options_.max_body_bytes;
        if (!too_long) full.body.append(data, size);
        return !too_long;
      });
      if (read) return owner_.api_->Respond(full);
      return owner_.api_->BadBody(too_long);
    });
    WriteAnswer(std::move(answer), response);
  }

  // Without either header there is no body, though the library would wait for one.
  static bool HasContent(const HttpRequest& head) {
    return head.headers.contains("content-length") || head.headers.contains("transfer-encoding");
  }

  template <typename Function>
  HttpAnswer RespondInTurn(Function respond) {
    if (!api_room_.try_acquire()) return owner_.api_->Busy();
    HttpAnswer answer = respond();
    api_room_.release();
    return answer;
  }

  const HttpServer& owner_;
  const std::shared_ptr<std::latch> listening_ = std::make_shared<std::latch>(1);
  std::counting_semaphore<> api_room_{kMaxApiRequests};

  absl::Mutex mu_;
  std::set<socket_t> open_ ABSL_GUARDED_BY(mu_);
  bool cut_off_ ABSL_GUARDED_BY(mu_) = false;
};

HttpServer::HttpServer(HttpOptions options, std::vector<HttpRoute> routes, HttpApi* api)
    : options_(std::move(options)), api_(api), listener_(std::make_unique<Listener>(*this)) {
  for (HttpRoute& route : routes) routes_.emplace(route.path, std::move(route));
}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(HttpOptions options,
                                                              std::vector<HttpRoute> routes,
                                                              HttpApi* api) {
  std::unique_ptr<HttpServer> server(new HttpServer(std::move(options), std::move(routes), api));
  Listener& listener = *server->listener_;
  if (absl::Status status = server->Bind(); !status.ok()) return status;
  server->thread_ = std::thread([&listener, &ended = server->ended_] {
    if (!listener.listen_after_bind()) spdlog::error("event=http_ended");
    ended.Notify();
  });
  listener.AwaitListening();
  return server;
}

absl::Status HttpServer::Bind() {
  const std::optional<HostPort> address = ParseHostPort(options_.listen);
  if (!address) {
    return absl::InvalidArgumentError(
        StrCat("http is \"", options_.listen,
               "\"; it must be host:port, for example 127.0.0.1:7401, or off"));
  }
  int port = address->port;
  if (port == 0) {
    port = listener_->bind_to_any_port(address->host);
  } else if (!listener_->bind_to_port(address->host, port)) {
    port = -1;
  }
  if (port <= 0) {
    return absl::UnavailableError(StrCat("cannot listen on ", options_.listen,
                                         " for HTTP; is another server running there? choose "
                                         "another address with --http, or --http=off"));
  }
  address_ = StrCat(options_.listen.substr(0, options_.listen.rfind(':')), ":", port);
  return absl::OkStatus();
}

HttpServer::~HttpServer() {
  if (!thread_.joinable()) return;
  listener_->stop();
  if (!ended_.WaitForNotificationWithTimeout(options_.stop_grace)) listener_->CutOff();
  thread_.join();
}

absl::Status HttpServer::CheckCertificate(const HttpRequest& request) const {
  if (options_.tls == nullptr || !options_.tls->asks_for_client_certificates() ||
      request.has_client_certificate) {
    return absl::OkStatus();
  }
  return absl::UnauthenticatedError("this takes a client certificate");
}

absl::Status HttpServer::Admit(PageAccess access, const HttpRequest& request) const {
  if (access == PageAccess::kOpen) return absl::OkStatus();
  if (absl::Status status = CheckCertificate(request); !status.ok()) return status;
  if (options_.access == nullptr) return absl::OkStatus();
  const absl::StatusOr<Caller> caller = options_.access->Identify(request.Header("authorization"));
  return caller.ok() ? CheckPage(*caller, access) : caller.status();
}

HttpAnswer HttpServer::RespondPage(const HttpRequest& request) const {
  const auto route = routes_.find(request.path);
  if (route == routes_.end()) {
    return {.status = 404, .body = "there is no such page; / leads to those that there are\n"};
  }
  const absl::Status admitted = Admit(route->second.access, request);
  if (!admitted.ok()) {
    HttpAnswer answer = {.status = 403, .body = StrCat(ToStd(admitted.message()), "\n")};
    if (absl::IsUnauthenticated(admitted)) {
      answer.status = 401;
      answer.headers.emplace("WWW-Authenticate", "Bearer");
    }
    return answer;
  }
  if (request.method != "GET") {
    return {.status = 405,
            .body = "this page answers GET and HEAD only\n",
            .headers = {{"Allow", "GET, HEAD"}}};
  }
  return route->second.respond(request);
}

}  // namespace freshet
