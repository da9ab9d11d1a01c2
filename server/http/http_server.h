// A small HTTP server for pages that are made when they are asked for, and for an API.

#ifndef FRESHET_SERVER_HTTP_HTTP_SERVER_H_
#define FRESHET_SERVER_HTTP_HTTP_SERVER_H_

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "server/access/access_control.h"
#include "server/access/permissions.h"
#include "server/http/http_api.h"
#include "server/http/http_message.h"
#include "server/tls/tls_identity.h"

namespace freshet {

struct HttpRoute {
  std::string path;  // Begins with a slash; matched as a whole.
  // Called on the server's threads, at the same time too.
  std::function<HttpAnswer(const HttpRequest&)> respond;
  PageAccess access = PageAccess::kUnknown;
};

struct HttpOptions {
  // host:port; port 0 takes a free one; [host]:port for IPv6.
  std::string listen = "127.0.0.1:0";
  // From the connection to the last byte of the request's head.
  absl::Duration request_timeout = absl::Seconds(2);
  // From there to the last byte of its body.
  absl::Duration body_timeout = absl::Seconds(30);
  // From the first byte of the answer to the last.
  absl::Duration answer_timeout = absl::Seconds(10);
  // What is under way when the server is destroyed may take so long; then its connection is cut
  // off.
  absl::Duration stop_grace = absl::Seconds(1);
  // Of a request's head.
  size_t max_request_bytes = 16384;
  // Of a request's body, as it is after decoding.
  size_t max_body_bytes = 16U << 20;
  // Who may have which page; outlives the server. Null: everyone may have all.
  const AccessControl* access = nullptr;
  // Encrypts; outlives the server. Null: nothing is encrypted. Where it asks for certificates of
  // clients, those without one are given open pages alone, so that probes need none.
  const TlsIdentity* tls = nullptr;
};

// Answers GET and HEAD of its routes, and what its API owns; the path / lists the routes. A
// connection serves one request, and a few threads serve all connections: more wait in line,
// without costing more than a file descriptor each, and only a few of these. Requests to the API,
// which may take long, leave some threads to the routes. Who may not have a page is answered 401 or
// 403; the API sees to its own.
class HttpServer {
 public:
  // INVALID_ARGUMENT for an address that is none, UNAVAILABLE where it is taken; the message is one
  // line that says what to do. `api` may be null; it must outlive the server.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(HttpOptions options,
                                                           std::vector<HttpRoute> routes,
                                                           HttpApi* api = nullptr);

  // Stops listening, and finishes the requests under way; see HttpOptions::stop_grace.
  ~HttpServer();

  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // host:port, with the port that was taken.
  const std::string& address() const { return address_; }

 private:
  class Listener;  // Keeps the HTTP library out of this header.

  HttpServer(HttpOptions options, std::vector<HttpRoute> routes, HttpApi* api);

  absl::Status Bind();
  HttpAnswer RespondPage(const HttpRequest& request) const;
  absl::Status Admit(PageAccess access, const HttpRequest& request) const;
  // Whether the client has shown a certificate where that is asked for.
  absl::Status CheckCertificate(const HttpRequest& request) const;

  const HttpOptions options_;
  std::string address_;
  std::map<std::string, HttpRoute> routes_;  // By path. Constant after construction.
  HttpApi* const api_;                       // May be null.
  std::unique_ptr<Listener> listener_;
  absl::Notification ended_;  // The listening thread, and all that it handed out.
  std::thread thread_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_HTTP_SERVER_H_
