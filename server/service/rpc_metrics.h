// Counts and latencies of the calls to freshet's own services.

#ifndef FRESHET_SERVER_SERVICE_RPC_METRICS_H_
#define FRESHET_SERVER_SERVICE_RPC_METRICS_H_

#include <grpcpp/support/server_interceptor.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "server/stats/latency_histogram.h"

namespace freshet {

// Counts unary calls only: latency is the time from the request to the answer, and on streams the
// interceptor would be called for every message. Also logs calls that fail. Thread-safe; counting
// takes no lock.
class RpcMetrics {
 public:
  static constexpr size_t kCodes = 17;  // The number of codes in grpc::StatusCode.

  struct Method {
    std::array<std::atomic<uint64_t>, kCodes> calls{};  // By the status code of the answer.
    LatencyHistogram latency;
  };

  RpcMetrics();

  // For grpc::ServerBuilder. The factory and its interceptors keep references to this object.
  std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeInterceptorFactory();

  // By name, for example `freshet.v1.ModelService/GetModel`.
  const std::map<std::string, Method, std::less<>>& methods() const { return methods_; }

 private:
  class Interceptor;
  class Factory;

  std::map<std::string, Method, std::less<>> methods_;  // The map is constant after construction.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_RPC_METRICS_H_
