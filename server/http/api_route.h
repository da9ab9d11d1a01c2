// Which call of the services a request over HTTP stands for, in the style of Google's transcoding.

#ifndef FRESHET_SERVER_HTTP_API_ROUTE_H_
#define FRESHET_SERVER_HTTP_API_ROUTE_H_

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace freshet {

struct ApiRoute {
  std::string_view method;  // Of HTTP.
  // As in google.api.http: {field=pattern} is a field of the request, where * stands for one part.
  std::string_view path;
  std::string_view rpc;  // The full name of a method of ours.
  // Which field of the request the body is; * is the request itself, empty: there is no body.
  // Fields that are in neither come from the query.
  std::string_view body;
};

// All of them. A new method of a service is one row.
std::span<const ApiRoute> ApiRoutes();

// A field of a request, and its value as text.
struct PathField {
  std::string field;  // Empty where the path has none.
  std::string value;
};

// What the path says where it is of the template's form.
std::optional<PathField> MatchPath(std::string_view path_template, std::string_view path);

struct ApiMatch {
  const ApiRoute* route = nullptr;  // Null where there is none for this method and path.
  PathField field;
  std::string allowed_methods;  // Those that the path has, with commas between.
};

ApiMatch MatchRoute(std::string_view method, std::string_view path);

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_API_ROUTE_H_
