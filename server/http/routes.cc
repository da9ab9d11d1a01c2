#include "server/http/routes.h"

#include <utility>

#include "core/base/str_cat.h"

namespace freshet {

std::vector<HttpRoute> MakeRoutes(std::function<absl::Status()> ready, const MetricsPage& metrics) {
  return {
      {.path = "/metrics",
       .summary = "figures of the server and its models, for Prometheus",
       .respond =
           [&metrics] {
             return HttpAnswer{.content_type = "text/plain; version=0.0.4; charset=utf-8",
                               .body = metrics.Text()};
           }},
      {.path = "/healthz",
       .summary = "200 while the process lives",
       .respond = [] { return HttpAnswer{.body = "ok\n"}; }},
      {.path = "/readyz",
       .summary = "200 once models are served; 503, and why, while the server starts or stops",
       .respond =
           [ready = std::move(ready)] {
             const absl::Status status = ready();
             if (status.ok()) return HttpAnswer{.body = "ok\n"};
             return HttpAnswer{.status = 503, .body = StrCat(ToStd(status.message()), "\n")};
           }},
  };
}

}  // namespace freshet
