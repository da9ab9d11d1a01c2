// Parsing of the target in a request's first line.

#ifndef FRESHET_SERVER_HTTP_REQUEST_TARGET_H_
#define FRESHET_SERVER_HTTP_REQUEST_TARGET_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace freshet {

// A request's target, split and decoded.
struct RequestTarget {
  std::string authority;  // The host:port of `http://host:port/path`; empty for the usual `/path`.
  // Decoded, without the query. An encoded slash stays `%2F`, because it is part of a name and not
  // a separator; so an encoded percent sign stays `%25`. See DecodePart().
  std::string path;
  std::multimap<std::string, std::string> query;  // Decoded; `+` is a space.
};

// A part of a path, with its slashes and percent signs decoded, too.
std::string DecodePart(std::string_view part);

// Parses `/path?query`, `http://host/path?query` or `*`. Returns nullopt for any other form, and if
// the target has a `%` without two hexadecimal digits, or a NUL byte or line end, encoded or not.
std::optional<RequestTarget> ParseTarget(std::string_view text);

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_REQUEST_TARGET_H_
