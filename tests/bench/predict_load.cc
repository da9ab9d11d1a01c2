#include "tests/bench/predict_load.h"

#include "client/resource_names.h"
#include "freshet/v1/learning_service.grpc.pb.h"
#include "grpcpp/impl/client_unary_call.h"
#include "tests/bench/bench_failure.h"
#include "tests/bench/bench_stream.h"

namespace freshet {
namespace {

constexpr size_t kDistinctRequests = 64;

const char* MethodName(UnaryMethod method) {
  return method == UnaryMethod::kPredict ? "/freshet.v1.LearningService/Predict"
                                         : "/grpc.health.v1.Health/Check";
}

}  // namespace

PredictLoad::PredictLoad(const std::string& address, const std::string& model, int callers,
                         int rows, UnaryMethod method)
    : client_(Client::Connect({.server = address}).value()),
      latencies_(static_cast<size_t>(callers)) {
  for (size_t i = 0; i < latencies_.size(); ++i) {
    threads_.emplace_back([this, model, rows, i, method] { Call(model, rows, i, method); });
  }
}

PredictLoad::~PredictLoad() {
  if (!stopping_) Stop();
}

void PredictLoad::Call(const std::string& model, int rows, size_t caller, UnaryMethod method) {
  BenchStream stream(1000 + static_cast<uint32_t>(caller));
  std::vector<v1::PredictRequest> requests(kDistinctRequests);
  for (v1::PredictRequest& request : requests) {
    // A health check would read this field as the name of a service.
    if (method == UnaryMethod::kPredict) request.set_model(ModelName(model));
    *request.mutable_packed() = stream.NextUnlabelledBatch(rows);
  }
  const std::shared_ptr<grpc::Channel> channel = client_->channel();
  // The same as generated stubs do.
  const grpc::internal::RpcMethod rpc(MethodName(method), grpc::internal::RpcMethod::NORMAL_RPC);
  v1::PredictResponse response;
  for (size_t i = 0; !stopping_; ++i) {
    grpc::ClientContext context;
    const BenchClock::time_point begin = BenchClock::now();
    const grpc::Status status =
        grpc::internal::BlockingUnaryCall<v1::PredictRequest, v1::PredictResponse,
                                          grpc::protobuf::MessageLite, grpc::protobuf::MessageLite>(
            channel.get(), rpc, &context, requests[i % requests.size()], &response);
    latencies_[caller].push_back({begin, BenchClock::now()});
    if (!status.ok()) FailBench(status.error_message());
  }
}

std::vector<TimedLatency> PredictLoad::Stop() {
  stopping_ = true;
  std::vector<TimedLatency> all;
  for (size_t i = 0; i < threads_.size(); ++i) {
    threads_[i].join();
    all.insert(all.end(), latencies_[i].begin(), latencies_[i].end());
  }
  return all;
}

}  // namespace freshet
