#include "server/service/rpc_metrics.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <chrono>
#include <string_view>

#include "core/base/str_cat.h"
#include "freshet/v1/event_service.pb.h"
#include "freshet/v1/learning_service.pb.h"
#include "freshet/v1/model_service.pb.h"
#include "freshet/v1/stats_service.pb.h"
#include "server/service/call_origin.h"
#include "server/service/request_traits.h"

namespace freshet {

// Observes one call; lives from its request to the end of its answer.
class RpcMetrics::Interceptor : public grpc::experimental::Interceptor {
 public:
  Interceptor(Method& method, grpc::experimental::ServerRpcInfo& info)
      : method_(method), info_(info) {}

  void Intercept(grpc::experimental::InterceptorBatchMethods* batch) override {
    if (batch->QueryInterceptionHookPoint(
            grpc::experimental::InterceptionHookPoints::POST_RECV_MESSAGE)) {
      is_unread_ = batch->GetRecvMessage() == nullptr;
    }
    if (batch->QueryInterceptionHookPoint(
            grpc::experimental::InterceptionHookPoints::PRE_SEND_STATUS)) {
      const grpc::Status status = is_unread_ ? UnreadRequest() : batch->GetSendStatus();
      // gRPC's own status is a bare UNIMPLEMENTED.
      if (is_unread_) batch->ModifySendStatus(status);
      std::string_view name = info_.method();
      if (name.starts_with('/')) name.remove_prefix(1);
      LogFailedCall(name, *info_.server_context(), status);
      const auto code = static_cast<size_t>(status.error_code());
      method_.calls[std::min(code, kCodes - 1)].fetch_add(1, std::memory_order_relaxed);
      method_.latency.Record(absl::FromChrono(std::chrono::steady_clock::now() - begin_));
    }
    batch->Proceed();
  }

 private:
  // The status for a request that was not parsed; see request_traits.h.
  static grpc::Status UnreadRequest() {
    return {grpc::StatusCode::INVALID_ARGUMENT,
            StrCat("the message is not of the method's request type, has more than ",
                   kMaxSmallRequestBytes,
                   " bytes, or takes several times as much memory once it is parsed")};
  }

  Method& method_;
  bool is_unread_ = false;
  grpc::experimental::ServerRpcInfo& info_;  // Belongs to the call and lives as long.
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

class RpcMetrics::Factory : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit Factory(RpcMetrics& metrics) : metrics_(metrics) {}

  // Null for a call that is not counted, which then costs nothing.
  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* info) override {
    const std::string_view path = info->method();
    const auto found = metrics_.methods_.find(path.substr(path.starts_with('/') ? 1 : 0));
    return found == metrics_.methods_.end() ? nullptr : new Interceptor(found->second, *info);
  }

 private:
  RpcMetrics& metrics_;
};

RpcMetrics::RpcMetrics() {
  for (const google::protobuf::FileDescriptor* file :
       {v1::GetModelRequest::descriptor()->file(), v1::LearnRequest::descriptor()->file(),
        v1::ExplainRequest::descriptor()->file(), v1::GetEventRequest::descriptor()->file()}) {
    for (int i = 0; i < file->service_count(); ++i) {
      const google::protobuf::ServiceDescriptor& service = *file->service(i);
      for (int j = 0; j < service.method_count(); ++j) {
        const google::protobuf::MethodDescriptor& method = *service.method(j);
        if (method.client_streaming() || method.server_streaming()) continue;
        methods_.try_emplace(StrCat(service.full_name(), "/", method.name()));
      }
    }
  }
}

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>
RpcMetrics::MakeInterceptorFactory() {
  return std::make_unique<Factory>(*this);
}

}  // namespace freshet
