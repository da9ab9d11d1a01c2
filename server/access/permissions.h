// Which role each call and each page takes: the one table of it.

#ifndef FRESHET_SERVER_ACCESS_PERMISSIONS_H_
#define FRESHET_SERVER_ACCESS_PERMISSIONS_H_

#include <google/protobuf/message.h>

#include <string_view>

#include "absl/status/status.h"
#include "server/access/caller.h"

namespace freshet {

// Whether the caller may make the call with this request, over gRPC or HTTP; every method has a
// request message of its own. PERMISSION_DENIED says what the token lacks. A request that is no row
// of the table takes the role admin over all models.
//
// What concerns all models, like ListModels, is allowed with any scope, and the answer has to leave
// out what Caller::Covers() does not cover. Of a stream, the first request is to be checked.
absl::Status CheckCall(const Caller& caller, const google::protobuf::Message& request);

// How a page of the HTTP endpoint is guarded.
enum class PageAccess {
  kUnknown,  // It is no row of the table: it takes the role admin over all models.
  kOpen,     // For everyone, without a token: it has nothing of the models.
  kRead,     // The role read over all models.
};

// Of a page's path, as routes name it.
PageAccess PageAccessOf(std::string_view path);

// Whether the caller may have such a page. PERMISSION_DENIED as above.
absl::Status CheckPage(const Caller& caller, PageAccess access);

}  // namespace freshet

#endif  // FRESHET_SERVER_ACCESS_PERMISSIONS_H_
