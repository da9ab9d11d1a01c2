// The dashboard at /: an overview of the models, and a view of each.

#ifndef FRESHET_SERVER_HTTP_DASHBOARD_H_
#define FRESHET_SERVER_HTTP_DASHBOARD_H_

#include <vector>

#include "server/http/http_server.h"

namespace freshet {

// The routes of the dashboard's files. The files contain no data of the models: the page fetches
// that like any other client, with a token if one is required. Browsers may cache the files, but
// have to ask whether they have changed.
std::vector<HttpRoute> DashboardRoutes();

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_DASHBOARD_H_
