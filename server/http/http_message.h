// An HTTP request and its answer, independent of any HTTP library.

#ifndef FRESHET_SERVER_HTTP_HTTP_MESSAGE_H_
#define FRESHET_SERVER_HTTP_HTTP_MESSAGE_H_

#include <map>
#include <string>
#include <string_view>

namespace freshet {

struct HttpRequest {
  std::string method;                                       // GET also for HEAD.
  std::string path;                                         // Decoded, without the query.
  std::multimap<std::string, std::string> query;            // Decoded.
  std::map<std::string, std::string, std::less<>> headers;  // By lower-case name.
  std::string body;                                         // Empty until the body is read.
  bool has_client_certificate = false;                      // A valid one.
  std::string client_address;                               // Without the port; IPv6 in brackets.

  // The value of a header by its lower-case name; empty if there is none.
  std::string_view Header(std::string_view name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string_view() : found->second;
  }
};

struct HttpAnswer {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body = {};
  std::multimap<std::string, std::string> headers = {};  // Besides Content-Type and Content-Length.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_HTTP_MESSAGE_H_
