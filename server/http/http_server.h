// A small HTTP server for pages that are generated on request, and for an API.

#ifndef FRESHET_SERVER_HTTP_HTTP_SERVER_H_
#define FRESHET_SERVER_HTTP_HTTP_SERVER_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/access/permissions.h"
#include "server/http/http_api.h"
#include "server/http/http_message.h"
#include "server/http/http_options.h"

namespace freshet {

class Listener;

// A page that the server answers.
struct HttpRoute {
  std::string path;  // Begins with a slash; has to match the whole path.
  // Called on the server's threads, possibly several at the same time.
  std::function<HttpAnswer(const HttpRequest&)> respond;
  PageAccess access = PageAccess::kUnknown;
  // For probes: answered on the connections' thread, before any request that is waiting. respond()
  // must then be quick and never block.
  bool at_once = false;
};

// Answers GET and HEAD requests for its routes, and all requests for paths that its API owns. One
// thread serves all connections, which stay open between requests, and a few threads generate the
// pages, so neither a slow client nor a long API call delays a page. Requests that arrive while all
// memory of HttpOptions::max_memory_bytes is taken wait, and are answered 503 after memory_timeout.
//
// A client that may not see a page is answered 401 or 403; the API checks access to its own paths.
// Requests from web pages of other origins are refused, see CheckOrigin(); if there are no tokens
// and the server listens on loopback, so are requests whose Host is a name other than localhost.
class HttpServer {
 public:
  // INVALID_ARGUMENT if the address is malformed, UNAVAILABLE if it is in use; the message is one
  // line that says what to do. `api` may be null; it must outlive the server.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(HttpOptions options,
                                                           std::vector<HttpRoute> routes,
                                                           HttpApi* api = nullptr);

  // Stops listening, and gives requests in progress HttpOptions::stop_grace to finish. Waits no
  // longer than that and than pages in progress take, whatever clients and the API do.
  ~HttpServer();

  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // host:port, with the port that was taken.
  const std::string& address() const { return address_; }

 private:
  class Handler;  // Decides on requests and generates pages.

  HttpServer(HttpOptions options, std::vector<HttpRoute> routes, HttpApi* api);

  const HttpOptions options_;
  std::string address_;
  std::unique_ptr<Handler> handler_;
  std::shared_ptr<Listener> listener_;
  std::thread thread_;  // The listener's thread.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_HTTP_SERVER_H_
