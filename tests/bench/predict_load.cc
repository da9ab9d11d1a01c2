#include "tests/bench/predict_load.h"

#include <cstdio>
#include <cstdlib>

#include "client/resource_names.h"
#include "freshet/v1/learning_service.grpc.pb.h"
#include "tests/bench/bench_stream.h"

namespace freshet {
namespace {

constexpr size_t kDistinctRequests = 64;

}  // namespace

PredictLoad::PredictLoad(const std::string& address, const std::string& model, int callers,
                         int rows)
    : client_(Client::Connect({.server = address}).value()),
      latencies_(static_cast<size_t>(callers)) {
  for (size_t i = 0; i < latencies_.size(); ++i) {
    threads_.emplace_back([this, model, rows, i] { Call(model, rows, i); });
  }
}

PredictLoad::~PredictLoad() {
  if (!stopping_) Stop();
}

void PredictLoad::Call(const std::string& model, int rows, size_t caller) {
  BenchStream stream(1000 + static_cast<uint32_t>(caller));
  std::vector<v1::PredictRequest> requests(kDistinctRequests);
  for (v1::PredictRequest& request : requests) {
    request.set_model(ModelName(model));
    *request.mutable_packed() = stream.NextUnlabelledBatch(rows);
  }
  const std::unique_ptr<v1::LearningService::Stub> stub =
      v1::LearningService::NewStub(client_->channel());
  v1::PredictResponse response;
  for (size_t i = 0; !stopping_; ++i) {
    grpc::ClientContext context;
    const BenchClock::time_point begin = BenchClock::now();
    const grpc::Status status = stub->Predict(&context, requests[i % requests.size()], &response);
    latencies_[caller].push_back({begin, BenchClock::now()});
    if (!status.ok()) {
      std::fprintf(stderr, "e2e_bench: %s\n", status.error_message().c_str());
      std::_Exit(1);
    }
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
