// What Protobuf's JSON reader would take apart without a word.

#ifndef FRESHET_SERVER_HTTP_JSON_LISTS_H_
#define FRESHET_SERVER_HTTP_JSON_LISTS_H_

#include <string_view>

#include "absl/status/status.h"

namespace freshet {

// INVALID_ARGUMENT where a list in `json` holds a list or a null: Protobuf's reader flattens or
// drops the one and skips the other, so that a row would be learned without its features. The
// message names the path, as in "namespaces[0].features[2]". Text that is no JSON is left to that
// reader to refuse.
absl::Status CheckJsonLists(std::string_view json);

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_JSON_LISTS_H_
