#include "server/http/routes.h"

#include <utility>

#include "core/base/str_cat.h"
#include "server/http/dashboard.h"

namespace freshet {

std::vector<HttpRoute> MakeRoutes(std::function<absl::Status()> ready, const MetricsPage& metrics,
                                  const FigureHistory& history) {
  std::vector<HttpRoute> routes = DashboardRoutes();
  routes.insert(
      routes.end(),
      {
          {.path = "/metrics",
           .respond =
               [&metrics](const HttpRequest&) {
                 return HttpAnswer{.content_type = "text/plain; version=0.0.4; charset=utf-8",
                                   .body = metrics.Text()};
               },
           .access = PageAccessOf("/metrics")},
          {.path = "/history",
           .respond =
               [&history](const HttpRequest& request) {
                 const auto model = request.query.find("model");
                 if (model == request.query.end()) {
                   return HttpAnswer{.status = 400,
                                     .body = "the parameter model is missing: /history?model=ID\n"};
                 }
                 return HttpAnswer{.content_type = "application/json; charset=utf-8",
                                   .body = history.Json(model->second)};
               },
           .access = PageAccessOf("/history")},
          {.path = "/healthz",
           .respond = [](const HttpRequest&) { return HttpAnswer{.body = "ok\n"}; },
           .access = PageAccessOf("/healthz"),
           .at_once = true},
          {.path = "/readyz",
           .respond =
               [ready = std::move(ready)](const HttpRequest&) {
                 const absl::Status status = ready();
                 if (status.ok()) return HttpAnswer{.body = "ok\n"};
                 return HttpAnswer{.status = 503, .body = StrCat(ToStd(status.message()), "\n")};
               },
           .access = PageAccessOf("/readyz"),
           .at_once = true},
      });
  return routes;
}

}  // namespace freshet
