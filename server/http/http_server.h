// A small HTTP server for pages that are made when they are asked for, and for an API.

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

struct HttpRoute {
  std::string path;  // Begins with a slash; matched as a whole.
  // Called on the server's threads, at the same time too.
  std::function<HttpAnswer(const HttpRequest&)> respond;
  PageAccess access = PageAccess::kUnknown;
  // Answered before all that waits, on the thread of the connections: for probes. Then respond()
  // must be quick and wait for nothing.
  bool at_once = false;
};

// Answers GET and HEAD of its routes, and what its API owns. One thread serves all connections,
// which stay open between requests, and a few make the pages: neither a client that is slow nor a
// call of the API that takes long holds up a page. Requests that come where all memory of
// HttpOptions is taken wait, and are answered 503 after a while.
//
// Who may not have a page is answered 401 or 403; the API sees to its own. Requests of other
// people's web pages are refused, see CheckOrigin(); where there are no tokens and the server
// listens on loopback, also those that ask for a host by a name.
class HttpServer {
 public:
  // INVALID_ARGUMENT for an address that is none, UNAVAILABLE where it is taken; the message is one
  // line that says what to do. `api` may be null; it must outlive the server.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(HttpOptions options,
                                                           std::vector<HttpRoute> routes,
                                                           HttpApi* api = nullptr);

  // Stops listening, and finishes the requests under way; see HttpOptions::stop_grace. Waits no
  // longer than for that and for the pages under way, whatever clients and the API do.
  ~HttpServer();

  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // host:port, with the port that was taken.
  const std::string& address() const { return address_; }

 private:
  class Handler;  // Decides about requests, and makes pages.

  HttpServer(HttpOptions options, std::vector<HttpRoute> routes, HttpApi* api);

  const HttpOptions options_;
  std::string address_;
  std::unique_ptr<Handler> handler_;
  std::shared_ptr<Listener> listener_;
  std::thread thread_;  // The listener's.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_HTTP_SERVER_H_
