// The interface of an API that answers all requests below one path, with any method and with
// bodies.

#ifndef FRESHET_SERVER_HTTP_HTTP_API_H_
#define FRESHET_SERVER_HTTP_HTTP_API_H_

#include <functional>
#include <optional>
#include <string_view>

#include "server/http/http_message.h"

namespace freshet {

// Takes the answer to one request. Called once, on any thread, possibly after the server is gone.
using HttpDone = std::function<void(HttpAnswer)>;

// Why a request is not served although its head was valid.
enum class HttpRefusal {
  kBodyTooLong,      // The body is longer than allowed.
  kBodyTooCostly,    // Once parsed, the body would take more memory than all requests together may.
  kBodyMalformed,    // The body did not arrive in time, or not as the head announced it.
  kUnknownEncoding,  // The value of Content-Encoding is not supported.
  kBusy,             // The request is fine, but there is no memory for it now.
};

// All methods are called on the server's single thread for connections, so none of them may block.
class HttpApi {
 public:
  virtual ~HttpApi() = default;

  // Whether this API answers requests for the path.
  virtual bool Owns(std::string_view path) const = 0;

  // Decides by the head of a request alone. If the request is refused, returns the answer, and the
  // body is not read.
  virtual std::optional<HttpAnswer> Refuse(const HttpRequest& head) const = 0;

  // Answers a request that was not refused. Returns at once; the work is done on other threads.
  virtual void Respond(HttpRequest request, HttpDone done) = 0;

  // The answer to a request that Refuse() did not refuse and that cannot be served.
  virtual HttpAnswer AnswerOf(HttpRefusal refusal) const = 0;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_HTTP_API_H_
