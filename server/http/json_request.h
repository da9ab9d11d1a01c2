// Converts an HTTP request to the request message of an RPC.

#ifndef FRESHET_SERVER_HTTP_JSON_REQUEST_H_
#define FRESHET_SERVER_HTTP_JSON_REQUEST_H_

#include <google/protobuf/message.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "freshet/v1/example.pb.h"
#include "freshet/v1/learning_service.pb.h"
#include "server/http/api_route.h"
#include "server/http/http_message.h"

namespace freshet {

// Whether the body is JSON, or JSON lines, by its Content-Type, ignoring case.
bool IsJson(const HttpRequest& request);
bool IsJsonLines(const HttpRequest& request);

// Whether the route accepts JSON lines, which hold one example, or piece of feedback, each.
bool TakesJsonLines(const ApiRoute& route);

// Sets a field, by its name in the proto or in JSON; a.b is a field of a field. INVALID_ARGUMENT if
// there is no field of this name, or the text is not of its type.
absl::Status SetField(google::protobuf::Message& message, std::string_view path,
                      std::string_view text);

// Reads JSON lines: a v1.Example in Protobuf's JSON on each line that is not blank. Returns false,
// with rows and reasons in `error`, if any line is not an example or there are more than
// `max_examples`.
bool ReadExampleLines(std::string_view lines, uint32_t max_examples, v1::ExampleList& examples,
                      v1::BatchError& error);

// What is wrong with lines that could not be read, by row.
using BadLines = std::map<uint32_t, std::string>;

// The same for a v1.FeedbackItem on each line. A line that is none becomes an empty item, which the
// service refuses by itself, with the reason in `bad_lines`. Returns false, with the reason in
// `error`, if there are more than `max_items`.
bool ReadFeedbackLines(std::string_view lines, uint32_t max_items, v1::FeedbackRequest& request,
                       BadLines& bad_lines, v1::BatchError& error);

// Sets a field that the path holds. INVALID_ARGUMENT as for SetField().
absl::Status SetPathField(google::protobuf::Message& message, const PathField& field);

// Fills in `message` from the path, the query and, if it is JSON, the body. INVALID_ARGUMENT says
// what is wrong.
absl::Status ReadRequest(const ApiMatch& match, const HttpRequest& request,
                         google::protobuf::Message& message);

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_JSON_REQUEST_H_
