// A request over HTTP and its answer, whatever library carries them.

#ifndef FRESHET_SERVER_HTTP_HTTP_MESSAGE_H_
#define FRESHET_SERVER_HTTP_HTTP_MESSAGE_H_

#include <map>
#include <string>
#include <string_view>

namespace freshet {

struct HttpRequest {
  std::string method;                                       // GET for HEAD too.
  std::string path;                                         // Decoded, without the query.
  std::multimap<std::string, std::string> query;            // Decoded.
  std::map<std::string, std::string, std::less<>> headers;  // By name in small letters.
  std::string body;                                         // Empty while only the head is there.
  bool has_client_certificate = false;                      // A good one.
  std::string client_address;                               // Without its port; IPv6 in brackets.

  // Empty where there is none.
  std::string_view Header(std::string_view name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string_view() : found->second;
  }
};

struct HttpAnswer {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body = {};
  std::multimap<std::string, std::string> headers = {};  // Beside the content's type and length.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_HTTP_MESSAGE_H_
