// Maps HTTP requests to methods of the services, in the style of Google's HTTP/JSON transcoding.

#ifndef FRESHET_SERVER_HTTP_API_ROUTE_H_
#define FRESHET_SERVER_HTTP_API_ROUTE_H_

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace freshet {

// One row of the mapping.
struct ApiRoute {
  std::string_view method;  // The HTTP method.
  // A template as in google.api.http: {field=pattern} sets a field of the request; * matches one
  // part. A second field may follow at the end, as {field=*}.
  std::string_view path;
  std::string_view rpc;  // The full name of the RPC method.
  // The field of the request that the body holds; *: the whole request; empty: there is no body.
  // Other fields come from the query.
  std::string_view body;
};

// All routes. Exposing another method takes one more row.
std::span<const ApiRoute> ApiRoutes();

// A field of a request and its value as text.
struct PathField {
  std::string field;
  std::string value;      // As in RequestTarget::path.
  bool any_text = false;  // The value is any text, rather than the name of a resource.
};

// The fields that the path sets; nullopt if the path does not match the template.
std::optional<std::vector<PathField>> MatchPath(std::string_view path_template,
                                                std::string_view path);

// The result of MatchRoute().
struct ApiMatch {
  const ApiRoute* route = nullptr;  // Null if no route has this method and path.
  std::vector<PathField> fields;
  std::string allowed_methods;  // If no route matches: the path's methods, comma-separated.
};

ApiMatch MatchRoute(std::string_view method, std::string_view path);

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_API_ROUTE_H_
