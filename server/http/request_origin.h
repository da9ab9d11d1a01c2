// The check that keeps web pages of other origins from sending requests.

#ifndef FRESHET_SERVER_HTTP_REQUEST_ORIGIN_H_
#define FRESHET_SERVER_HTTP_REQUEST_ORIGIN_H_

#include "absl/status/status.h"
#include "server/http/http_message.h"

namespace freshet {

// A browser sends requests on behalf of any page that it shows. PERMISSION_DENIED if the request
// comes from a page of another origin. With `local_hosts_only` also if the requested host is
// neither an address nor localhost: anybody can make a host name of their own resolve to this
// machine, and their page then counts as the same origin (DNS rebinding).
absl::Status CheckOrigin(const HttpRequest& head, bool local_hosts_only);

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_REQUEST_ORIGIN_H_
