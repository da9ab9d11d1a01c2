#include "server/http/http_server.h"

#include <pthread.h>

#include <string_view>
#include <utility>

#include "core/base/str_cat.h"
#include "server/http/answer_encoding.h"
#include "server/http/json_answer.h"
#include "server/http/listener.h"
#include "server/http/request_handler.h"
#include "server/http/request_origin.h"
#include "server/thread/worker_pool.h"

namespace freshet {
namespace {

// Several, since a page may have to wait for the models' figures.
constexpr int kPageThreads = 4;

bool HasBody(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

HttpAnswer TextAnswer(int status, std::string_view text) {
  return {.status = status, .body = StrCat(text, "\n")};
}

HttpAnswer RefusalPage(const absl::Status& status) {
  HttpAnswer answer = TextAnswer(HttpStatusOf(status.code()), ToStd(status.message()));
  if (absl::IsUnauthenticated(status)) answer.headers.emplace("WWW-Authenticate", "Bearer");
  if (absl::IsUnavailable(status)) answer.headers.emplace("Retry-After", "1");
  return answer;
}

}  // namespace

class HttpServer::Handler : public RequestHandler {
 public:
  Handler(const HttpOptions& options, std::vector<HttpRoute> routes, HttpApi* api)
      : options_(options), api_(api), pages_("http-pages", kPageThreads) {
    for (HttpRoute& route : routes) routes_.emplace(route.path, std::move(route));
  }

  // Call before the first request.
  void SetOnLoopback(bool on_loopback) {
    const bool has_tokens = options_.access != nullptr && options_.access->has_tokens();
    local_hosts_only_ = on_loopback && !has_tokens;
  }

  Decision Decide(const HttpRequest& head) override {
    if (absl::Status status = CheckOrigin(head, local_hosts_only_); !status.ok()) {
      return {.answer = IsForApi(head) ? ErrorAnswer(status) : RefusalPage(status)};
    }
    if (!IsForApi(head)) return DecidePage(head);
    if (absl::Status status = CheckCertificate(head); !status.ok()) {
      return {.answer = ErrorAnswer(status)};
    }
    return {.answer = api_->Refuse(head), .takes_body = HasBody(head.method)};
  }

  void Respond(HttpRequest request, HttpDone done) override {
    HttpDone compress = [accepted = std::string(request.Header("accept-encoding")),
                         done = std::move(done)](HttpAnswer answer) {
      CompressAnswer(accepted, answer);
      done(std::move(answer));
    };
    if (IsForApi(request)) {
      api_->Respond(std::move(request), std::move(compress));
      return;
    }
    const HttpRoute& route = routes_.find(request.path)->second;
    pages_.Post([&route, request = std::move(request), done = std::move(compress)] {
      done(route.respond(request));
    });
  }

  HttpAnswer AnswerOf(const HttpRequest& head, HttpRefusal refusal) override {
    if (IsForApi(head)) return api_->AnswerOf(refusal);
    return RefusalPage(absl::UnavailableError("the server is busy; try again in a second"));
  }

 private:
  bool IsForApi(const HttpRequest& head) const { return api_ != nullptr && api_->Owns(head.path); }

  Decision DecidePage(const HttpRequest& head) const {
    const auto found = routes_.find(head.path);
    if (found == routes_.end()) {
      return {.answer = TextAnswer(404, "there is no such page; / leads to the pages that exist")};
    }
    const HttpRoute& route = found->second;
    if (absl::Status status = Admit(route.access, head); !status.ok()) {
      return {.answer = RefusalPage(status)};
    }
    if (head.method != "GET") {
      HttpAnswer answer = TextAnswer(405, "this page answers GET and HEAD only");
      answer.headers.emplace("Allow", "GET, HEAD");
      return {.answer = std::move(answer)};
    }
    if (route.at_once) return {.answer = route.respond(head)};
    return {};
  }

  absl::Status Admit(PageAccess access, const HttpRequest& request) const {
    if (access == PageAccess::kOpen) return absl::OkStatus();
    if (absl::Status status = CheckCertificate(request); !status.ok()) return status;
    if (options_.access == nullptr) return absl::OkStatus();
    const absl::StatusOr<Caller> caller =
        options_.access->Identify(request.Header("authorization"));
    return caller.ok() ? CheckPage(*caller, access) : caller.status();
  }

  // Checks that the client has shown a certificate if one is required.
  absl::Status CheckCertificate(const HttpRequest& request) const {
    if (options_.tls == nullptr || !options_.tls->asks_for_client_certificates() ||
        request.has_client_certificate) {
      return absl::OkStatus();
    }
    return absl::UnauthenticatedError("a client certificate is required");
  }

  const HttpOptions& options_;
  HttpApi* const api_;                       // May be null.
  std::map<std::string, HttpRoute> routes_;  // By path. Constant after construction.
  bool local_hosts_only_ = true;
  WorkerPool pages_;
};

HttpServer::HttpServer(HttpOptions options, std::vector<HttpRoute> routes, HttpApi* api)
    : options_(std::move(options)),
      handler_(std::make_unique<Handler>(options_, std::move(routes), api)),
      listener_(std::make_shared<Listener>(options_, *handler_)) {}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(HttpOptions options,
                                                              std::vector<HttpRoute> routes,
                                                              HttpApi* api) {
  std::unique_ptr<HttpServer> server(new HttpServer(std::move(options), std::move(routes), api));
  Listener& listener = *server->listener_;
  if (absl::Status status = listener.Bind(); !status.ok()) return status;
  const std::string& listen = server->options_.listen;
  server->address_ = StrCat(listen.substr(0, listen.rfind(':')), ":", listener.port());
  server->handler_->SetOnLoopback(listener.is_on_loopback());
  server->thread_ = std::thread([&listener] {
    pthread_setname_np(pthread_self(), "http");
    listener.Run();
  });
  return server;
}

HttpServer::~HttpServer() {
  if (!thread_.joinable()) return;
  listener_->Stop(options_.stop_grace);
  thread_.join();
}

}  // namespace freshet
