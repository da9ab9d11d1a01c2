// The interface by which the listener has requests answered.

#ifndef FRESHET_SERVER_HTTP_REQUEST_HANDLER_H_
#define FRESHET_SERVER_HTTP_REQUEST_HANDLER_H_

#include <optional>

#include "server/http/http_api.h"
#include "server/http/http_message.h"

namespace freshet {

// All methods are called on the listener's thread and must not block.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;

  struct Decision {
    std::optional<HttpAnswer> answer;  // Answer at once, without reading the body.
    bool takes_body = false;           // Otherwise: read the body first, if there is one.
  };
  // Decides by the head alone.
  virtual Decision Decide(const HttpRequest& head) = 0;

  // Answers a request that Decide() gave no answer to.
  virtual void Respond(HttpRequest request, HttpDone done) = 0;

  // The answer to a request that cannot be served, in the format that is usual for its path.
  virtual HttpAnswer AnswerOf(const HttpRequest& head, HttpRefusal refusal) = 0;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_REQUEST_HANDLER_H_
