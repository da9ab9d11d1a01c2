#include "tests/bench/predict_load.h"

#include "absl/time/clock.h"
#include "absl/time/time.h"
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

PredictLoad::PredictLoad(const std::string& address, const std::string& model,
                         const PredictShape& shape, UnaryMethod method, EventIds* event_ids)
    : event_ids_(event_ids),
      client_(Client::Connect({.server = address}).value()),
      latencies_(static_cast<size_t>(shape.callers)) {
  for (size_t i = 0; i < latencies_.size(); ++i) {
    threads_.emplace_back(
        [this, model, rows = shape.rows, i, method] { Call(model, rows, i, method); });
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
    for (int row = 0; event_ids_ != nullptr && row < rows; ++row) {
      request.mutable_log_events()->add_event_ids();
    }
  }
  const std::shared_ptr<grpc::Channel> channel = client_->channel();
  // The same as generated stubs do.
  const grpc::internal::RpcMethod rpc(MethodName(method), grpc::internal::RpcMethod::NORMAL_RPC);
  v1::PredictResponse response;
  for (size_t i = 0; !stopping_; ++i) {
    v1::PredictRequest& request = requests[i % requests.size()];
    if (event_ids_ != nullptr) {
      event_ids_->Renew(*request.mutable_log_events()->mutable_event_ids());
    }
    grpc::ClientContext context;
    const BenchClock::time_point begin = BenchClock::now();
    const grpc::Status status =
        grpc::internal::BlockingUnaryCall<v1::PredictRequest, v1::PredictResponse,
                                          grpc::protobuf::MessageLite, grpc::protobuf::MessageLite>(
            channel.get(), rpc, &context, request, &response);
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

std::vector<double> MeasureCalls(const BenchOptions& options, const std::string& address,
                                 const std::string& model, const PredictShape& shape,
                                 UnaryMethod method, EventIds* event_ids) {
  PredictLoad load(address, model, shape, method, event_ids);
  absl::SleepFor(absl::Seconds(options.warm_up_s));
  const BenchClock::time_point begin = BenchClock::now();
  absl::SleepFor(absl::Seconds(options.measure_s));
  const BenchClock::time_point end = BenchClock::now();
  return LatenciesWithin(load.Stop(), begin, end);
}

void CallLatencies::Add(const std::vector<double>& latencies_ms) {
  p50_ms.push_back(Quantile(latencies_ms, 0.5));
  p99_ms.push_back(Quantile(latencies_ms, 0.99));
  p999_ms.push_back(Quantile(latencies_ms, 0.999));
}

void ReportLatencies(const std::string& name, const CallLatencies& measured,
                     const CallLatencies& floor, BenchReport& report) {
  report.Add(name + "/p50", "ms", measured.p50_ms, floor.p50_ms);
  report.Add(name + "/p99", "ms", measured.p99_ms, floor.p99_ms);
  report.Add(name + "/p999", "ms", measured.p999_ms, floor.p999_ms);
}

}  // namespace freshet
