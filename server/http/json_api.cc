#include "server/http/json_api.h"

#include <google/protobuf/arena.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "core/base/str_cat.h"
#include "freshet/v1/event_service.pb.h"
#include "freshet/v1/learning_service.pb.h"
#include "freshet/v1/model_service.pb.h"
#include "freshet/v1/stats_service.pb.h"
#include "server/file/resource_id.h"
#include "server/http/json_answer.h"
#include "server/http/json_request.h"
#include "server/http/json_rows.h"
#include "server/service/call_origin.h"

namespace freshet {
namespace {

using google::protobuf::Message;

// Far longer than any name. A limit is needed because matching a path takes stack for each byte.
constexpr size_t kMaxPathSize = 512;

// Bodies and answers up to this length are short: they occupy a thread for some milliseconds at
// most.
constexpr size_t kShortBytes = size_t{64} << 10;

constexpr int kShortThreads = 4;
constexpr int kLongThreads = 2;

// Blocks of an arena for long messages. Blocks this large are returned to the system as soon as
// they are freed.
constexpr size_t kBlockBytes = size_t{2} << 20;

const google::protobuf::MethodDescriptor* FindMethod(std::string_view rpc) {
  // Refers to one message of each file, so that the linker keeps the files' descriptors.
  (void)v1::ListModelsRequest::descriptor();
  (void)v1::PredictRequest::descriptor();
  (void)v1::ExplainRequest::descriptor();
  (void)v1::GetEventRequest::descriptor();
  return google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(std::string(rpc));
}

Message& NewMessage(const google::protobuf::Descriptor* type, google::protobuf::Arena& arena) {
  return *google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New(&arena);
}

// `bytes` is the length of the message's text.
google::protobuf::ArenaOptions ArenaFor(size_t bytes) {
  google::protobuf::ArenaOptions options;
  if (bytes <= kShortBytes) return options;
  options.start_block_size = kBlockBytes;
  options.max_block_size = kBlockBytes;
  return options;
}

grpc::ByteBuffer Serialize(const Message& message) {
  grpc::Slice slice(message.ByteSizeLong());
  message.SerializeWithCachedSizesToArray(const_cast<uint8_t*>(slice.begin()));
  return {&slice, 1};
}

bool Parse(const grpc::ByteBuffer& buffer, Message& message) {
  grpc::Slice slice;
  if (!buffer.DumpToSingleSlice(&slice).ok()) return false;
  return message.ParseFromArray(slice.begin(), static_cast<int>(slice.size()));
}

// The metadata of the call: the client's address, and those headers that gRPC calls use, if they
// are printable. (gRPC aborts the process for values with other characters.)
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
  // This also keeps out pages of other origins: a browser sends neither type for them without a
  // preflight request, which is refused.
  if (route.body.empty() || IsJson(head) || (IsJsonLines(head) && TakesJsonLines(route))) {
    return std::nullopt;
  }
  return WithStatus(
      415,
      ErrorAnswer(absl::InvalidArgumentError(StrCat(
          "the header Content-Type must be application/json",
          TakesJsonLines(route) ? ", or application/x-ndjson for one JSON object on each line" : "",
          "; with curl: -H 'Content-Type: application/json'"))));
}

// `text` as the value of a header, which is printable ASCII.
std::string HeaderText(std::string_view text) {
  std::string out(text);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return out;
}

absl::Status ToStatus(const v1::BatchError& error) {
  return {static_cast<absl::StatusCode>(error.code()), error.message()};
}

// The request with producer id and sequence added. Appending suffices, because the last value of a
// field counts. The fields have the same numbers in a FeedbackRequest.
grpc::ByteBuffer WithProducer(const grpc::ByteBuffer& request,
                              const RequestProducers::Producer& producer) {
  v1::LearnRequest fields;
  fields.set_producer_id(producer.id);
  fields.set_sequence(producer.sequence);
  std::vector<grpc::Slice> slices;
  (void)request.Dump(&slices);  // Only fails for compressed buffers.
  slices.emplace_back(fields.SerializeAsString());
  return {slices.data(), slices.size()};
}

int ExampleCount(const v1::LearnRequest& request) {
  if (!request.has_packed()) return request.examples().examples_size();
  return std::max(request.packed().labels_size(), static_cast<int>(request.packed().row_count()));
}

// A batch is acknowledged as a whole or not at all.
HttpAnswer LearnAnswer(int example_count, const v1::LearnResponse& response) {
  if (response.has_error()) return ErrorAnswer(ToStatus(response.error()), &response.error());
  HttpAnswer answer = JsonAnswer(response);
  answer.body.replace(0, 1, StrCat(R"({"acknowledgedCount":)", example_count, ","));
  return answer;
}

// Gives the reasons why lines could not be read, which the service does not know.
void ExplainBadLines(const BadLines& bad_lines,
                     google::protobuf::RepeatedPtrField<v1::RowError>& rows) {
  for (v1::RowError& row : rows) {
    const auto found = bad_lines.find(row.row());
    if (found == bad_lines.end()) continue;
    row.set_field("item");
    row.set_reason(found->second);
  }
}

HttpAnswer FeedbackAnswer(int item_count, const BadLines& bad_lines,
                          v1::FeedbackResponse& response) {
  ExplainBadLines(bad_lines, *response.mutable_refused_items());
  if (response.has_error()) {
    v1::BatchError& error = *response.mutable_error();
    ExplainBadLines(bad_lines, *error.mutable_rows());
    if (error.rows_size() > 0) {
      error.set_message(StrCat("no item of the request is well-formed; item ", error.rows(0).row(),
                               ": ", error.rows(0).field(), " ", error.rows(0).reason()));
    }
    return ErrorAnswer(ToStatus(error), &error);
  }
  HttpAnswer answer = JsonAnswer(response);
  const int accepted = item_count - static_cast<int>(response.refused_count());
  answer.body.replace(0, 1, StrCat(R"({"acknowledgedCount":)", accepted, ","));
  return answer;
}

// The code of the error in the answer to a batch or to feedback, OK if there is none; nullopt if
// the answer cannot be read.
template <typename Response>
std::optional<absl::StatusCode> RejectionIn(const grpc::ByteBuffer& answer) {
  Response response;
  if (!Parse(answer, response)) return std::nullopt;
  return static_cast<absl::StatusCode>(response.error().code());
}

}  // namespace

struct JsonApi::Call {
  HttpRequest request;
  HttpDone done;
  const google::protobuf::MethodDescriptor* method = nullptr;
  RpcCaller::Metadata metadata = {};
  grpc::ByteBuffer bytes = {};  // The serialized request, without `producer`.
  int example_count = 0;        // Of a batch to learn; of feedback, the items.
  bool is_feedback = false;
  // Assigned by the server if the batch came without one.
  std::optional<RequestProducers::Producer> producer = {};
  std::vector<std::string> warnings = {};  // About rows that could be read all the same.
  BadLines bad_lines = {};                 // Of feedback.
};

JsonApi::JsonApi(std::shared_ptr<grpc::Channel> channel, Options options)
    : options_(std::move(options)),
      caller_(std::move(channel), options_.call_timeout),
      short_("json", kShortThreads),
      long_("json-long", kLongThreads) {}

JsonApi::~JsonApi() { caller_.Stop(); }

std::optional<HttpAnswer> JsonApi::Refuse(const HttpRequest& head) const {
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

HttpAnswer JsonApi::AnswerOf(HttpRefusal refusal) const {
  switch (refusal) {
    case HttpRefusal::kBodyTooLong:
      return WithStatus(413, ErrorAnswer(absl::ResourceExhaustedError(
                                 "the body is larger than the server's limit for a message "
                                 "(limits.max_message_bytes); send it in parts")));
    case HttpRefusal::kBodyTooCostly:
      return WithStatus(413,
                        ErrorAnswer(absl::ResourceExhaustedError(
                            "the messages in the body would take more memory than all requests "
                            "together may (http_limits.max_memory_bytes); send it in parts")));
    case HttpRefusal::kBodyMalformed:
      return ErrorAnswer(absl::InvalidArgumentError(
          "the body did not arrive in time, or not as its headers announced it"));
    case HttpRefusal::kUnknownEncoding:
      return WithStatus(415, ErrorAnswer(absl::InvalidArgumentError(
                                 "the header Content-Encoding must be gzip or deflate, or be left "
                                 "out")));
    case HttpRefusal::kBusy:
      break;
  }
  return ErrorAnswer(absl::UnavailableError(
      "the memory for requests is taken (http_limits.max_memory_bytes); try again in a second, or "
      "push over gRPC"));
}

void JsonApi::Respond(HttpRequest request, HttpDone done) {
  const bool is_short = request.body.size() <= kShortBytes;
  auto call = std::make_shared<Call>(Call{std::move(request), std::move(done)});
  (is_short ? short_ : long_).Post([this, call = std::move(call)] { Begin(call); });
}

void JsonApi::Begin(const std::shared_ptr<Call>& call) {
  {
    google::protobuf::Arena arena(ArenaFor(call->request.body.size()));
    const ApiMatch match = MatchRoute(call->request.method, call->request.path);
    call->method = FindMethod(match.route->rpc);
    Message& message = NewMessage(call->method->input_type(), arena);
    if (std::optional<HttpAnswer> error = Read(match, *call, message)) {
      call->done(*std::move(error));
      return;
    }
    call->bytes = Serialize(message);
  }
  call->metadata = MetadataOf(call->request);
  call->request = HttpRequest();
  Send(call);
}

void JsonApi::Send(const std::shared_ptr<Call>& call) {
  const std::string path =
      StrCat("/", call->method->service()->full_name(), "/", call->method->name());
  const grpc::ByteBuffer bytes =
      call->producer ? WithProducer(call->bytes, *call->producer) : call->bytes;
  caller_.Call(path, bytes, call->metadata,
               [this, call](const absl::Status& status, const grpc::ByteBuffer& answer) {
                 if (call->producer && status.ok() && !ReturnProducer(*call, answer)) {
                   Send(call);
                   return;
                 }
                 if (answer.Length() <= kShortBytes) {
                   Finish(*call, status, answer);
                   return;
                 }
                 long_.Post([this, call, status, answer] { Finish(*call, status, answer); });
               });
}

std::optional<HttpAnswer> JsonApi::Read(const ApiMatch& match, Call& call, Message& message) {
  if (absl::Status status = ReadRequest(match, call.request, message); !status.ok()) {
    return ErrorAnswer(status);
  }
  if (IsJsonLines(call.request)) {
    v1::BatchError error;
    if (!ReadLines(call, message, error)) return ErrorAnswer(ToStatus(error), &error);
  }
  using google::protobuf::DynamicCastToGenerated;
  if (const auto* const learn = DynamicCastToGenerated<v1::LearnRequest>(&message)) {
    call.example_count = ExampleCount(*learn);
    TakeProducer(call, *learn, "");
  } else if (const auto* const feedback = DynamicCastToGenerated<v1::FeedbackRequest>(&message)) {
    call.is_feedback = true;
    call.example_count = feedback->items_size();
    TakeProducer(call, *feedback, " feedback");
  }
  return std::nullopt;
}

template <typename Request>
void JsonApi::TakeProducer(Call& call, const Request& request, std::string_view kind) {
  if (!request.producer_id().empty() || request.sequence() != 0) return;
  std::string user = StrCat(request.model(), kind);
  if (options_.access != nullptr) {
    const auto caller = options_.access->Identify(call.request.Header("authorization"));
    if (caller.ok()) user = StrCat(caller->name(), " ", user);
  }
  call.producer = producers_.Take(std::move(user));
}

bool JsonApi::ReadLines(Call& call, Message& message, v1::BatchError& error) const {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  std::string_view lines = call.request.body;
  if (lines.starts_with(kByteOrderMark)) lines.remove_prefix(kByteOrderMark.size());
  using google::protobuf::DynamicCastToGenerated;
  if (auto* const feedback = DynamicCastToGenerated<v1::FeedbackRequest>(&message)) {
    return ReadFeedbackLines(lines, options_.max_batch_examples, *feedback, call.bad_lines, error);
  }
  auto* const learn = DynamicCastToGenerated<v1::LearnRequest>(&message);
  auto* const predict = DynamicCastToGenerated<v1::PredictRequest>(&message);
  return (learn == nullptr && predict == nullptr) || ReadRows(call, lines, learn, predict, error);
}

bool JsonApi::ReadRows(Call& call, std::string_view lines, v1::LearnRequest* learn,
                       v1::PredictRequest* predict, v1::BatchError& error) const {
  const bool learns = learn != nullptr;
  const auto input = InputFor(call, learns ? learn->model() : predict->model(),
                              learns ? v1::Token::ROLE_LEARN : v1::Token::ROLE_PREDICT);
  if (input == nullptr) {
    return ReadExampleLines(lines, options_.max_batch_examples,
                            learns ? *learn->mutable_examples() : *predict->mutable_examples(),
                            error);
  }
  std::vector<std::string> event_ids;
  if (!ReadMappedLines(
          lines,
          {.input = input, .labels_required = learns, .max_examples = options_.max_batch_examples},
          learns ? *learn->mutable_packed() : *predict->mutable_packed(), event_ids, error,
          call.warnings)) {
    return false;
  }
  // Where the mapping names the event id, the rows that are logged have it.
  const auto has_id = [](const std::string& id) { return !id.empty(); };
  if (!learns && predict->has_log_events() && predict->log_events().event_ids().empty() &&
      std::any_of(event_ids.begin(), event_ids.end(), has_id)) {
    for (std::string& id : event_ids) predict->mutable_log_events()->add_event_ids(std::move(id));
  }
  return true;
}

std::shared_ptr<const PreparedInput> JsonApi::InputFor(const Call& call, std::string_view model,
                                                       v1::Token::Role role) const {
  if (!options_.input_of) return nullptr;
  if (options_.access != nullptr) {
    // Errors about rows name fields, which only those may see who may use the model. The service
    // refuses the others.
    const auto caller = options_.access->Identify(call.request.Header("authorization"));
    if (!caller.ok() || !caller->CheckRole(role).ok() || !caller->Covers(LastId(model))) {
      return nullptr;
    }
  }
  return options_.input_of(model);
}

bool JsonApi::ReturnProducer(Call& call, const grpc::ByteBuffer& answer) {
  const std::optional<absl::StatusCode> rejection = call.is_feedback
                                                        ? RejectionIn<v1::FeedbackResponse>(answer)
                                                        : RejectionIn<v1::LearnResponse>(answer);
  if (!rejection) return true;
  const bool refused = *rejection == absl::StatusCode::kFailedPrecondition;
  if (refused && call.producer->sequence != 1) {
    // The model was deleted and created again, or has forgotten the producer. The batch was not
    // learned.
    std::string user = std::move(call.producer->user);
    call.producer = producers_.TakeNew(std::move(user));
    return false;
  }
  producers_.GiveBack(*std::move(call.producer), /*used=*/*rejection == absl::StatusCode::kOk);
  return true;
}

void JsonApi::Finish(const Call& call, const absl::Status& status,
                     const grpc::ByteBuffer& answer) const {
  if (!status.ok()) {
    call.done(ErrorAnswer(status));
    return;
  }
  google::protobuf::Arena arena(ArenaFor(answer.Length()));
  Message& message = NewMessage(call.method->output_type(), arena);
  if (!Parse(answer, message)) {
    call.done(ErrorAnswer(absl::InternalError("the answer could not be read")));
    return;
  }
  using google::protobuf::DynamicCastToGenerated;
  const auto* const learned = DynamicCastToGenerated<v1::LearnResponse>(&message);
  auto* const feedback = DynamicCastToGenerated<v1::FeedbackResponse>(&message);
  HttpAnswer reply = learned != nullptr ? LearnAnswer(call.example_count, *learned)
                     : feedback != nullptr
                         ? FeedbackAnswer(call.example_count, call.bad_lines, *feedback)
                         : JsonAnswer(message);
  for (const std::string& warning : call.warnings) {
    reply.headers.emplace("Freshet-Warning", HeaderText(warning));
  }
  call.done(std::move(reply));
}

}  // namespace freshet
