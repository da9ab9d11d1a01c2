// The routes of freshetd's HTTP endpoint.

#ifndef FRESHET_SERVER_HTTP_ROUTES_H_
#define FRESHET_SERVER_HTTP_ROUTES_H_

#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "server/http/figure_history.h"
#include "server/http/http_server.h"
#include "server/http/metrics_page.h"

namespace freshet {

// The dashboard, the metrics, the models' history and the probes. `ready` returns OK while models
// are served, and otherwise the reason why they are not. Keeps references to `metrics` and
// `history`.
std::vector<HttpRoute> MakeRoutes(std::function<absl::Status()> ready, const MetricsPage& metrics,
                                  const FigureHistory& history);

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_ROUTES_H_
