// The page at /: models at a glance, and each of them.

#ifndef FRESHET_SERVER_HTTP_DASHBOARD_H_
#define FRESHET_SERVER_HTTP_DASHBOARD_H_

#include <vector>

#include "server/http/http_server.h"

namespace freshet {

// The page and its files, which hold nothing of the models: the page asks for that, with a token
// where one is wanted, as any other client does. Browsers may keep the files, and ask whether they
// have changed.
std::vector<HttpRoute> DashboardRoutes();

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_DASHBOARD_H_
