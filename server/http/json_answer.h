// Converts messages and errors to HTTP answers in JSON.

#ifndef FRESHET_SERVER_HTTP_JSON_ANSWER_H_
#define FRESHET_SERVER_HTTP_JSON_ANSWER_H_

#include <google/protobuf/message.h>

#include "absl/status/status.h"
#include "server/http/http_message.h"

namespace freshet {

// The one mapping from status codes to HTTP's, as documented in google.rpc.Code.
int HttpStatusOf(absl::StatusCode code);

// The message in Protobuf's JSON, including fields that are zero.
HttpAnswer JsonAnswer(const google::protobuf::Message& message);

// `{"code":5,"status":"NOT_FOUND","message":"..."}`: a google.rpc.Status in JSON, with the name of
// the code added. `detail` becomes an entry of its details, unless it is null.
// REQUIRES: !status.ok().
HttpAnswer ErrorAnswer(const absl::Status& status,
                       const google::protobuf::Message* detail = nullptr);

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_JSON_ANSWER_H_
