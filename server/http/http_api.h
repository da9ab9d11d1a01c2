// What answers everything below one path, with any method and with bodies.

#ifndef FRESHET_SERVER_HTTP_HTTP_API_H_
#define FRESHET_SERVER_HTTP_HTTP_API_H_

#include <optional>
#include <string_view>

#include "server/http/http_message.h"

namespace freshet {

// Called on the server's threads, at the same time too.
class HttpApi {
 public:
  virtual ~HttpApi() = default;

  // Whether a path is this one's.
  virtual bool Owns(std::string_view path) const = 0;

  // What the head of a request alone decides: the answer to one that is refused, whose body is then
  // not read.
  virtual std::optional<HttpAnswer> Refuse(const HttpRequest& head) const = 0;

  // The answer to a request that was not refused. May block.
  virtual HttpAnswer Respond(const HttpRequest& request) = 0;

  // The answer where as many requests as may are under way.
  virtual HttpAnswer Busy() const = 0;

  // The answer where a body could not be read: it is too long, too slow, or not what its headers
  // say.
  virtual HttpAnswer BadBody(bool too_long) const = 0;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_HTTP_API_H_
