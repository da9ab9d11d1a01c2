// Whether a request may come from where it comes: what stops other people's web pages.

#ifndef FRESHET_SERVER_HTTP_REQUEST_ORIGIN_H_
#define FRESHET_SERVER_HTTP_REQUEST_ORIGIN_H_

#include "absl/status/status.h"
#include "server/http/http_message.h"

namespace freshet {

// A browser sends requests on behalf of any page that it shows. PERMISSION_DENIED where the request
// comes from a page of another origin; or, with `local_hosts_only`, where the host that it asks for
// is neither an address nor localhost: any page can have a host name that leads to this machine,
// and is then of the same origin.
absl::Status CheckOrigin(const HttpRequest& head, bool local_hosts_only);

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_REQUEST_ORIGIN_H_
