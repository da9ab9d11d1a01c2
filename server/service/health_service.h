// gRPC's standard health service, for the server and for each model.

#ifndef FRESHET_SERVER_SERVICE_HEALTH_SERVICE_H_
#define FRESHET_SERVER_SERVICE_HEALTH_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <functional>
#include <string>
#include <unordered_set>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/net/connection_table.h"
#include "server/registry/model_registry.h"
#include "server/service/health.grpc.pb.h"
#include "server/service/request_traits.h"

namespace freshet {

using HealthStatus = grpc::health::v1::HealthCheckResponse::ServingStatus;

// The health of what has this name: `models/{model}` is SERVING while it learns and predicts,
// NOT_SERVING while it is recovered or its log cannot be written, and else SERVICE_UNKNOWN. Nothing
// is known of single models, and all are NOT_SERVING, until the server serves.
HealthStatus ModelHealth(const ModelRegistry& registry, const std::string& name);

// Thread-safe.
class HealthService final : public grpc::health::v1::Health::CallbackService {
 public:
  // So many may watch at a time: it is open to everyone.
  static constexpr size_t kMaxWatchers = 1000;

  // `status_of` says how a service is now: by any thread, without blocking. `connections`, which
  // lives as long, is told of those who ask.
  HealthService(std::function<HealthStatus(const std::string& service)> status_of,
                ConnectionTable& connections)
      : status_of_(std::move(status_of)), connections_(connections) {}

  grpc::ServerUnaryReactor* Check(grpc::CallbackServerContext* context,
                                  const grpc::health::v1::HealthCheckRequest* request,
                                  grpc::health::v1::HealthCheckResponse* response) override;
  grpc::ServerWriteReactor<grpc::health::v1::HealthCheckResponse>* Watch(
      grpc::CallbackServerContext* context,
      const grpc::health::v1::HealthCheckRequest* request) override;

  // Tells those who watch what has changed. To be called often enough.
  void Refresh();

  // Tells those who watch that nothing is served any more, and ends their calls and later ones.
  void Stop();

 private:
  class Watcher;

  // Who asks is not silent, but may be anybody.
  void NoteCall(const grpc::CallbackServerContext& context);

  const std::function<HealthStatus(const std::string&)> status_of_;
  ConnectionTable& connections_;

  absl::Mutex mu_;
  std::unordered_set<Watcher*> watchers_ ABSL_GUARDED_BY(mu_);
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_HEALTH_SERVICE_H_
