#include "server/http/http_server.h"

#include <httplib.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <latch>
#include <semaphore>
#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "core/base/str_cat.h"
#include "server/http/connection.h"
#include "server/runtime/worker_pool.h"

namespace freshet {
namespace {

constexpr int kThreads = 2;

// Connections that are accepted, served or in line; others wait in the system's own line.
constexpr ptrdiff_t kMaxConnections = 64;

struct HostPort {
  std::string host;
  int port = 0;
};

absl::StatusOr<HostPort> ParseHostPort(std::string_view text) {
  const size_t colon = text.rfind(':');
  HostPort address;
  if (colon != std::string_view::npos && colon > 0 &&
      absl::SimpleAtoi(ToAbsl(text.substr(colon + 1)), &address.port) && address.port >= 0 &&
      address.port <= 65535) {
    std::string_view host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    address.host = host;
    return address;
  }
  return absl::InvalidArgumentError(
      StrCat("http is \"", text, "\"; it must be host:port, for example 127.0.0.1:7401, or off"));
}

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

std::string EscapeHtml(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '&') {
      escaped += "&amp;";
    } else if (c == '<') {
      escaped += "&lt;";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

}  // namespace

class HttpServer::Listener : public httplib::Server {
 public:
  explicit Listener(const HttpOptions& options) : options_(options) {
    set_socket_options(SetSocketOptions);
    new_task_queue = [listening = listening_] {  // Called once stop() has an effect.
      listening->count_down();
      return new ConnectionQueue;
    };
  }

  void AwaitListening() { listening_->wait(); }

 private:
  bool process_and_close_socket(socket_t socket) override {
    Connection connection(socket, options_.request_timeout, options_.answer_timeout,
                          options_.max_request_bytes);
    bool closed = false;
    return process_request(connection, /*close_connection=*/true, closed, nullptr);
  }

  const HttpOptions& options_;
  const std::shared_ptr<std::latch> listening_ = std::make_shared<std::latch>(1);
};

HttpServer::HttpServer(HttpOptions options, std::vector<HttpRoute> routes)
    : options_(std::move(options)), listener_(std::make_unique<Listener>(options_)) {
  for (HttpRoute& route : routes) routes_.emplace(route.path, std::move(route));
}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(HttpOptions options,
                                                              std::vector<HttpRoute> routes) {
  std::unique_ptr<HttpServer> server(new HttpServer(std::move(options), std::move(routes)));
  Listener& listener = *server->listener_;
  // Before the library looks at it: it would read a body.
  listener.set_pre_routing_handler(
      [raw = server.get()](const httplib::Request& request, httplib::Response& response) {
        HttpAnswer answer = raw->Respond(request.method, request.path);
        if (answer.status != 200) response.status = answer.status;  // Else 206 for a range.
        if (answer.status == 405) response.set_header("Allow", "GET, HEAD");
        response.set_header("Cache-Control", "no-store");
        response.body = std::move(answer.body);
        response.set_header("Content-Type", answer.content_type);
        return httplib::Server::HandlerResponse::Handled;
      });
  if (absl::Status status = server->Bind(); !status.ok()) return status;
  server->thread_ = std::thread([&listener] {
    if (!listener.listen_after_bind()) spdlog::error("event=http_ended");
  });
  listener.AwaitListening();
  return server;
}

absl::Status HttpServer::Bind() {
  absl::StatusOr<HostPort> address = ParseHostPort(options_.listen);
  if (!address.ok()) return address.status();
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
  thread_.join();
}

HttpAnswer HttpServer::Respond(const std::string& method, const std::string& path) const {
  const auto route = routes_.find(path);
  if (route == routes_.end() && path != "/") {
    return {.status = 404, .body = "there is no such page; / lists them\n"};
  }
  if (method != "GET" && method != "HEAD") {
    return {.status = 405, .body = "this page answers GET and HEAD only\n"};
  }
  return route == routes_.end() ? Index() : route->second.respond();
}

HttpAnswer HttpServer::Index() const {
  std::string body = "<!DOCTYPE html>\n<title>freshetd</title>\n<h1>freshetd</h1>\n<ul>\n";
  for (const auto& [path, route] : routes_) {
    body += StrCat("<li><a href=\"", path, "\">", path, "</a>: ", EscapeHtml(route.summary), "\n");
  }
  return {.content_type = "text/html; charset=utf-8", .body = body + "</ul>\n"};
}

}  // namespace freshet
