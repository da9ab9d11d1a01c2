// The one table of which role each call and each page requires.

#ifndef FRESHET_SERVER_ACCESS_PERMISSIONS_H_
#define FRESHET_SERVER_ACCESS_PERMISSIONS_H_

#include <google/protobuf/message.h>

#include <string_view>

#include "absl/status/status.h"
#include "server/access/caller.h"

namespace freshet {

// Checks that the caller may make the call with this request, over gRPC or HTTP; the type of the
// request tells the method, since every method has a request message of its own. PERMISSION_DENIED
// says what the token lacks. A request type that is not in the table requires the role admin for
// all models.
//
// Calls that concern all models, such as ListModels, are allowed to tokens for any models; the
// answer has to leave out models that Caller::Covers() excludes. For a stream, check its first
// request.
absl::Status CheckCall(const Caller& caller, const google::protobuf::Message& request);

// What a page of the HTTP endpoint requires.
enum class PageAccess {
  kUnknown,  // Not in the table: the role admin for all models.
  kOpen,     // No token, because the page shows nothing of the models.
  kRead,     // The role read for all models.
};

// What the page at `path` requires; `path` is as in the routes.
PageAccess PageAccessOf(std::string_view path);

// Checks that the caller may see such a page. PERMISSION_DENIED says what the token lacks.
absl::Status CheckPage(const Caller& caller, PageAccess access);

}  // namespace freshet

#endif  // FRESHET_SERVER_ACCESS_PERMISSIONS_H_
