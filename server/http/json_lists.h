// A check for lists that Protobuf's JSON parser would silently change.

#ifndef FRESHET_SERVER_HTTP_JSON_LISTS_H_
#define FRESHET_SERVER_HTTP_JSON_LISTS_H_

#include <string_view>

#include "absl/status/status.h"

namespace freshet {

// INVALID_ARGUMENT if a list in `json` holds a list or a null: Protobuf's parser flattens or drops
// an inner list and skips a null, so that a row would be learned without its features. The message
// names the path, for example "namespaces[0].features[2]". Text that is not JSON passes, since that
// parser refuses it.
absl::Status CheckJsonLists(std::string_view json);

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_JSON_LISTS_H_
