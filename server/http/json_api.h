// The services as JSON over HTTP.

#ifndef FRESHET_SERVER_HTTP_JSON_API_H_
#define FRESHET_SERVER_HTTP_JSON_API_H_

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "freshet/v1/learning_service.pb.h"
#include "server/access/access_control.h"
#include "server/http/api_route.h"
#include "server/http/http_api.h"
#include "server/http/request_producers.h"
#include "server/http/rpc_caller.h"

namespace freshet {

// Turns requests into calls of the server's own services, as its route says, and their answers into
// JSON. Validation, access, limits and counts are those of the services. Thread-safe.
class JsonApi : public HttpApi {
 public:
  struct Options {
    absl::Duration call_timeout = absl::Seconds(60);
    uint32_t max_batch_examples = 65'536;  // Of JSON lines.
    bool local_hosts_only = true;          // See CheckOrigin().
    // Whoever it does not know sends no body; the services see to the rest. Null: everyone may.
    const AccessControl* access = nullptr;
  };

  // `channel` leads to the services.
  JsonApi(std::shared_ptr<grpc::Channel> channel, Options options)
      : options_(options), caller_(std::move(channel), options.call_timeout) {}

  bool Owns(std::string_view path) const override { return path.starts_with("/v1/"); }
  std::optional<HttpAnswer> Refuse(const HttpRequest& head) const override;
  HttpAnswer Respond(const HttpRequest& request) override;
  HttpAnswer Busy() const override;
  HttpAnswer BadBody(bool too_long) const override;

 private:
  HttpAnswer Call(const ApiMatch& match, const HttpRequest& request) const;
  HttpAnswer Learn(const ApiMatch& match, const HttpRequest& request);
  // Sends a batch that came without a producer under one of the server's own.
  absl::Status LearnAsSomebody(const HttpRequest& request, v1::LearnRequest& message,
                               v1::LearnResponse& response);

  const Options options_;
  const RpcCaller caller_;
  RequestProducers producers_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_JSON_API_H_
