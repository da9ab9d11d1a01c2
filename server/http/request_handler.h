// What the listener asks about each request.

#ifndef FRESHET_SERVER_HTTP_REQUEST_HANDLER_H_
#define FRESHET_SERVER_HTTP_REQUEST_HANDLER_H_

#include <optional>

#include "server/http/http_api.h"
#include "server/http/http_message.h"

namespace freshet {

// Called on the listener's thread, and must not wait.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;

  struct Decision {
    std::optional<HttpAnswer> answer;  // It is answered at once, and its body is not read.
    bool takes_body = false;           // Otherwise: the body is read first, where there is one.
  };
  // By the head alone.
  virtual Decision Decide(const HttpRequest& head) = 0;

  // Has a request answered of which Decide() gave no answer.
  virtual void Respond(HttpRequest request, HttpDone done) = 0;

  // The answer to a request that cannot be served, in the form that its path has.
  virtual HttpAnswer AnswerOf(const HttpRequest& head, HttpRefusal refusal) = 0;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_REQUEST_HANDLER_H_
