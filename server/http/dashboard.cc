#include "server/http/dashboard.h"

#include <string>
#include <string_view>

#include "core/base/str_cat.h"
#include "server/http/dashboard_files.h"

namespace freshet {
namespace {

// The page may only load its own files and talk to its own server, and no other page may embed it.
constexpr char kPolicy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

HttpAnswer Respond(const DashboardFile& file, const HttpRequest& request) {
  const std::string tag = StrCat("W/\"", file.hash, "\"");
  HttpAnswer answer = {.content_type = std::string(file.content_type)};
  answer.headers = {{"Cache-Control", "no-cache"},  // Cached, but revalidated.
                    {"ETag", tag},
                    {"Content-Security-Policy", kPolicy},
                    {"Referrer-Policy", "no-referrer"}};
  if (request.Header("if-none-match") == tag) {
    answer.status = 304;
  } else {
    for (const std::string_view piece : file.text) answer.body += piece;
  }
  return answer;
}

}  // namespace

std::vector<HttpRoute> DashboardRoutes() {
  std::vector<HttpRoute> routes;
  for (const DashboardFile& file : DashboardFiles()) {
    routes.push_back(
        {.path = std::string(file.path),
         .respond = [&file](const HttpRequest& request) { return Respond(file, request); },
         .access = PageAccess::kOpen});
  }
  return routes;
}

}  // namespace freshet
