// Messages and errors as answers in JSON.

#ifndef FRESHET_SERVER_HTTP_JSON_ANSWER_H_
#define FRESHET_SERVER_HTTP_JSON_ANSWER_H_

#include <google/protobuf/message.h>

#include "absl/status/status.h"
#include "server/http/http_message.h"

namespace freshet {

// The one mapping of our statuses to HTTP's, as in google.rpc.Code.
int HttpStatusOf(absl::StatusCode code);

// In Protobuf's JSON, with fields that are zero.
HttpAnswer JsonAnswer(const google::protobuf::Message& message);

// `{"code":5,"status":"NOT_FOUND","message":"..."}`, as google.rpc.Status in JSON, with the name of
// the code beside its number. `detail` may be null; otherwise it is one of its details.
// REQUIRES: !status.ok().
HttpAnswer ErrorAnswer(const absl::Status& status,
                       const google::protobuf::Message* detail = nullptr);

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_JSON_ANSWER_H_
