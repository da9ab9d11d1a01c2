#include "server/http/json_api.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <utility>

#include "core/base/str_cat.h"
#include "freshet/v1/learning_service.pb.h"
#include "freshet/v1/model_service.pb.h"
#include "freshet/v1/stats_service.pb.h"
#include "server/http/json_answer.h"
#include "server/http/json_request.h"
#include "server/http/request_origin.h"
#include "server/service/call_origin.h"

namespace freshet {
namespace {

using google::protobuf::Message;

// Far above that of any name; the library matches paths in a way that takes stack for each byte.
constexpr size_t kMaxPathSize = 512;

const google::protobuf::MethodDescriptor* FindMethod(std::string_view rpc) {
  // What nothing refers to is not linked in.
  (void)v1::ListModelsRequest::descriptor();
  (void)v1::PredictRequest::descriptor();
  (void)v1::ExplainRequest::descriptor();
  return google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(std::string(rpc));
}

std::unique_ptr<Message> NewMessage(const google::protobuf::Descriptor* type) {
  const Message* prototype =
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(type);
  return std::unique_ptr<Message>(prototype->New());
}

// What goes along with the call: where it comes from, and some of its headers. Others are not
// gRPC's business; and gRPC ends a process that hands it a value of other characters.
RpcCaller::Metadata MetadataOf(const HttpRequest& request) {
  RpcCaller::Metadata metadata;
  for (const char* name : {"authorization", "traceparent", "tracestate", "x-request-id"}) {
    const std::string_view value = request.Header(name);
    const bool printable =
        std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c <= '~'; });
    if (!value.empty() && printable) metadata.emplace(name, value);
  }
  metadata.emplace(kHttpClientMetadata, request.client_address);
  return metadata;
}

HttpAnswer WithStatus(int status, HttpAnswer answer) {
  answer.status = status;
  return answer;
}

std::optional<HttpAnswer> RefuseContentType(const ApiRoute& route, const HttpRequest& head) {
  // A page of another origin can send neither without asking first, which is refused.
  if (route.body.empty() || head.Header("content-type").starts_with("application/json") ||
      (IsJsonLines(head) && TakesJsonLines(route))) {
    return std::nullopt;
  }
  return WithStatus(
      415, ErrorAnswer(absl::InvalidArgumentError(StrCat(
               "the header Content-Type must be application/json",
               TakesJsonLines(route) ? ", or application/x-ndjson for an example on each line" : "",
               "; with curl: -H 'Content-Type: application/json'"))));
}

absl::Status ToStatus(const v1::BatchError& error) {
  return {static_cast<absl::StatusCode>(error.code()), error.message()};
}

// All of it, or nothing, is acknowledged.
HttpAnswer AcknowledgementAnswer(const v1::LearnRequest& request,
                                 const v1::LearnResponse& response) {
  const int count =
      request.has_packed() ? request.packed().labels_size() : request.examples().examples_size();
  HttpAnswer answer = JsonAnswer(response);
  answer.body.replace(0, 1, StrCat(R"({"acknowledgedCount":)", count, ","));
  return answer;
}

}  // namespace

std::optional<HttpAnswer> JsonApi::Refuse(const HttpRequest& head) const {
  if (absl::Status status = CheckOrigin(head, options_.local_hosts_only); !status.ok()) {
    return ErrorAnswer(status);
  }
  if (options_.access != nullptr) {
    const absl::Status known = options_.access->Identify(head.Header("authorization")).status();
    if (!known.ok()) return ErrorAnswer(known);
  }
  const ApiMatch match =
      head.path.size() <= kMaxPathSize ? MatchRoute(head.method, head.path) : ApiMatch();
  if (match.route != nullptr) return RefuseContentType(*match.route, head);
  if (match.allowed_methods.empty()) {
    return ErrorAnswer(
        absl::NotFoundError("there is nothing at this path; the paths are listed in docs/http.md"));
  }
  HttpAnswer answer = WithStatus(405, ErrorAnswer(absl::UnimplementedError(StrCat(
                                          "this path answers ", match.allowed_methods, " only"))));
  answer.headers.emplace("Allow", match.allowed_methods);
  return answer;
}

HttpAnswer JsonApi::Busy() const {
  return ErrorAnswer(absl::ResourceExhaustedError(
      "too many requests are under way; try again in a second, or push over gRPC"));
}

HttpAnswer JsonApi::BadBody(bool too_long) const {
  if (!too_long) {
    return ErrorAnswer(
        absl::InvalidArgumentError("the body did not come, in time, as its headers announce it"));
  }
  return WithStatus(413, ErrorAnswer(absl::ResourceExhaustedError(
                             "the body is larger than the server's limit of a message "
                             "(limits.max_message_bytes); send it in parts")));
}

HttpAnswer JsonApi::Respond(const HttpRequest& request) {
  const ApiMatch match = MatchRoute(request.method, request.path);
  return match.route->rpc.ends_with(".Learn") ? Learn(match, request) : Call(match, request);
}

HttpAnswer JsonApi::Call(const ApiMatch& match, const HttpRequest& request) const {
  const google::protobuf::MethodDescriptor& method = *FindMethod(match.route->rpc);
  const std::unique_ptr<Message> message = NewMessage(method.input_type());
  absl::Status status = ReadRequest(match, request, *message);
  if (!status.ok()) return ErrorAnswer(status);
  auto* const predict = google::protobuf::DynamicCastToGenerated<v1::PredictRequest>(message.get());
  if (predict != nullptr && IsJsonLines(request)) {
    v1::BatchError error;
    if (!ReadExampleLines(request.body, options_.max_batch_examples, *predict->mutable_examples(),
                          error)) {
      return ErrorAnswer(ToStatus(error), &error);
    }
  }
  const std::unique_ptr<Message> response = NewMessage(method.output_type());
  status = caller_.CallUnary(method, *message, MetadataOf(request), *response);
  return status.ok() ? JsonAnswer(*response) : ErrorAnswer(status);
}

HttpAnswer JsonApi::Learn(const ApiMatch& match, const HttpRequest& request) {
  v1::LearnRequest message;
  if (absl::Status status = ReadRequest(match, request, message); !status.ok()) {
    return ErrorAnswer(status);
  }
  v1::LearnResponse response;
  if (IsJsonLines(request) &&
      !ReadExampleLines(request.body, options_.max_batch_examples, *message.mutable_examples(),
                        *response.mutable_error())) {
    return ErrorAnswer(ToStatus(response.error()), &response.error());
  }
  response.Clear();
  const bool has_producer = !message.producer_id().empty() || message.sequence() != 0;
  const absl::Status status = has_producer ? caller_.Learn(message, MetadataOf(request), response)
                                           : LearnAsSomebody(request, message, response);
  if (!status.ok()) return ErrorAnswer(status);
  if (response.has_error()) return ErrorAnswer(ToStatus(response.error()), &response.error());
  return AcknowledgementAnswer(message, response);
}

absl::Status JsonApi::LearnAsSomebody(const HttpRequest& request, v1::LearnRequest& message,
                                      v1::LearnResponse& response) {
  std::string user = message.model();
  if (options_.access != nullptr) {
    const auto caller = options_.access->Identify(request.Header("authorization"));
    if (caller.ok()) user = StrCat(caller->name(), " ", user);
  }
  RequestProducers::Producer producer = producers_.Take(user);
  while (true) {
    message.set_producer_id(producer.id);
    message.set_sequence(producer.sequence);
    const absl::Status status = caller_.Learn(message, MetadataOf(request), response);
    if (!status.ok()) return status;
    const bool refused =
        response.error().code() == static_cast<int>(absl::StatusCode::kFailedPrecondition);
    if (!refused || producer.sequence == 1) break;
    // The model is another of that name, or has forgotten the producer. The batch was not learned.
    response.Clear();
    producer = producers_.TakeNew(user);
  }
  producers_.GiveBack(std::move(producer), /*used=*/!response.has_error());
  return absl::OkStatus();
}

}  // namespace freshet
