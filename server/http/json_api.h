// The gRPC services as JSON over HTTP.

#ifndef FRESHET_SERVER_HTTP_JSON_API_H_
#define FRESHET_SERVER_HTTP_JSON_API_H_

#include <google/protobuf/message.h>
#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/format/field_roles.h"
#include "freshet/v1/learning_service.pb.h"
#include "freshet/v1/server_config.pb.h"
#include "server/access/access_control.h"
#include "server/http/api_route.h"
#include "server/http/http_api.h"
#include "server/http/request_producers.h"
#include "server/http/rpc_caller.h"
#include "server/thread/worker_pool.h"

namespace freshet {

// Converts each request to a call of the server's own services, as its route says, and the answer
// to JSON. Validation, access control, limits and counters are those of the services.
//
// Thread-safe. Long bodies are parsed on threads of their own, so that short requests never wait
// for them. A call in progress occupies no thread.
class JsonApi : public HttpApi {
 public:
  struct Options {
    absl::Duration call_timeout = absl::Seconds(60);
    uint32_t max_batch_examples = 65'536;  // Limit for JSON lines.
    // Used to refuse callers without a valid token before their body is read; the services check
    // the rest. Null: everyone is allowed.
    const AccessControl* access = nullptr;
    // How to read JSON lines by the input mapping of the model of this name; null if the model has
    // none or does not exist. Empty: no model has one.
    std::function<std::shared_ptr<const PreparedInput>(std::string_view model_name)> input_of = {};
  };

  // `channel` leads to the services.
  JsonApi(std::shared_ptr<grpc::Channel> channel, Options options);

  // Cancels the calls in progress and waits for their end.
  ~JsonApi() override;

  bool Owns(std::string_view path) const override { return path.starts_with("/v1/"); }
  std::optional<HttpAnswer> Refuse(const HttpRequest& head) const override;
  void Respond(HttpRequest request, HttpDone done) override;
  HttpAnswer AnswerOf(HttpRefusal refusal) const override;

 private:
  struct Call;

  void Begin(const std::shared_ptr<Call>& call);
  // Reads the request into `message`. Returns the answer if that fails.
  std::optional<HttpAnswer> Read(const ApiMatch& match, Call& call,
                                 google::protobuf::Message& message);
  // Reads the body of JSON lines into the request. False, with the reason in `error`, if they are
  // malformed.
  bool ReadLines(Call& call, google::protobuf::Message& message, v1::BatchError& error) const;
  // The same into the request for learning or predicting; the other is null.
  bool ReadRows(Call& call, std::string_view lines, v1::LearnRequest* learn,
                v1::PredictRequest* predict, v1::BatchError& error) const;
  // A producer for a request of this kind on the model, if it came without one.
  template <typename Request>
  void TakeProducer(Call& call, const Request& request, std::string_view kind);
  // How to read lines for a call to this model, if the caller may make the call.
  std::shared_ptr<const PreparedInput> InputFor(const Call& call, std::string_view model,
                                                v1::Token::Role role) const;
  // Makes the call, with its producer if it has one.
  void Send(const std::shared_ptr<Call>& call);
  // Gives the producer of a batch back. Returns false if the server did not know the producer; the
  // call then has a new one, under which the batch has to be sent again.
  bool ReturnProducer(Call& call, const grpc::ByteBuffer& answer);
  void Finish(const Call& call, const absl::Status& status, const grpc::ByteBuffer& answer) const;

  const Options options_;
  RequestProducers producers_;
  RpcCaller caller_;
  WorkerPool short_;  // Parses short bodies.
  WorkerPool long_;   // Parses long bodies and writes long answers.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_JSON_API_H_
