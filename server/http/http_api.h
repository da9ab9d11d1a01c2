// What answers everything below one path, with any method and with bodies.

#ifndef FRESHET_SERVER_HTTP_HTTP_API_H_
#define FRESHET_SERVER_HTTP_HTTP_API_H_

#include <functional>
#include <optional>
#include <string_view>

#include "server/http/http_message.h"

namespace freshet {

// Takes the answer to one request; from any thread, once. Also after the server is gone.
using HttpDone = std::function<void(HttpAnswer)>;

// Why a request is not served though its head was in order.
enum class HttpRefusal {
  kBodyTooLong,      // Longer than a body may be.
  kBodyTooCostly,    // Parsed, it would take more memory than all requests together may.
  kBodyMalformed,    // It did not come, in time, as the head announces it.
  kUnknownEncoding,  // Of Content-Encoding.
  kBusy,             // Nothing is wrong with the request; there is no room for it now.
};

// Called on the server's one thread for connections, which waits for nothing: nor may these.
class HttpApi {
 public:
  virtual ~HttpApi() = default;

  // Whether a path is this one's.
  virtual bool Owns(std::string_view path) const = 0;

  // What the head of a request alone decides: the answer to one that is refused, whose body is then
  // not read.
  virtual std::optional<HttpAnswer> Refuse(const HttpRequest& head) const = 0;

  // Has a request answered that was not refused. Returns at once; the work is done on other
  // threads.
  virtual void Respond(HttpRequest request, HttpDone done) = 0;

  // The answer to a request of which Refuse() knew nothing.
  virtual HttpAnswer AnswerOf(HttpRefusal refusal) const = 0;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_HTTP_API_H_
