// What a request asks for: the target of its first line, taken apart and decoded.

#ifndef FRESHET_SERVER_HTTP_REQUEST_TARGET_H_
#define FRESHET_SERVER_HTTP_REQUEST_TARGET_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace freshet {

struct RequestTarget {
  std::string authority;  // Host and port of `http://host:port/path`; empty for the usual `/path`.
  // Decoded, without the query. An encoded slash stays `%2F`: it is part of a name, and separates
  // nothing.
  std::string path;
  std::multimap<std::string, std::string> query;  // Decoded; `+` is a space.
};

// Reads the target of a request: `/path?query`, `http://host/path?query` or `*`. Nothing where it
// is none of these, or has a `%` without two hexadecimal digits, or a byte 0 or line end, encoded
// or not.
std::optional<RequestTarget> ParseTarget(std::string_view text);

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_REQUEST_TARGET_H_
