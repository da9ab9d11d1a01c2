#include "server/http/json_answer.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/util/json_util.h>

#include <cstdint>
#include <string>

#include "core/base/json_object.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

constexpr char kJson[] = "application/json; charset=utf-8";

std::string ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  std::string json;
  // Only fails for messages of unknown types, and all of ours are linked in.
  (void)google::protobuf::util::MessageToJsonString(message, &json, options);
  return json;
}

}  // namespace

int HttpStatusOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return 200;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
      return 400;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kAborted:
      return 409;
    case absl::StatusCode::kResourceExhausted:
      return 429;
    case absl::StatusCode::kCancelled:
      return 499;
    case absl::StatusCode::kUnimplemented:
      return 501;
    case absl::StatusCode::kUnavailable:
      return 503;
    case absl::StatusCode::kDeadlineExceeded:
      return 504;
    default:
      return 500;
  }
}

HttpAnswer JsonAnswer(const google::protobuf::Message& message) {
  return {.content_type = kJson, .body = ToJson(message) + "\n"};
}

HttpAnswer ErrorAnswer(const absl::Status& status, const google::protobuf::Message* detail) {
  JsonObject error = ErrorJson(status);
  if (detail != nullptr) {
    google::protobuf::Any any;
    any.PackFrom(*detail);
    error.AddJson("details", StrCat("[", ToJson(any), "]"));
  }
  HttpAnswer answer = {.status = HttpStatusOf(status.code()),
                       .content_type = kJson,
                       .body = error.ToString() + "\n"};
  if (absl::IsUnauthenticated(status)) answer.headers.emplace("WWW-Authenticate", "Bearer");
  if (absl::IsResourceExhausted(status) || absl::IsUnavailable(status)) {
    answer.headers.emplace("Retry-After", "1");
  }
  return answer;
}

}  // namespace freshet
