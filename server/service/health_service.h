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

// The health of the service `name`. `models/{model}` is SERVING while the model learns and
// predicts, and NOT_SERVING while it is being recovered or its log cannot be written. Unknown
// models and other names are SERVICE_UNKNOWN. Until the server serves, every `models/{model}` is
// NOT_SERVING, because single models are not known yet.
HealthStatus ModelHealth(const ModelRegistry& registry, const std::string& name);

// Answers Check and Watch. Thread-safe.
class HealthService final : public grpc::health::v1::Health::CallbackService {
 public:
  // The limit of Watch calls at a time, needed because the service is open to everyone.
  static constexpr size_t kMaxWatchers = 1000;

  // `status_of` returns the current health of a service; it is called from any thread and must not
  // block. Tells `connections`, which must outlive this object, which connections make calls.
  HealthService(std::function<HealthStatus(const std::string& service)> status_of,
                ConnectionTable& connections)
      : status_of_(std::move(status_of)), connections_(connections) {}

  grpc::ServerUnaryReactor* Check(grpc::CallbackServerContext* context,
                                  const grpc::health::v1::HealthCheckRequest* request,
                                  grpc::health::v1::HealthCheckResponse* response) override;
  grpc::ServerWriteReactor<grpc::health::v1::HealthCheckResponse>* Watch(
      grpc::CallbackServerContext* context,
      const grpc::health::v1::HealthCheckRequest* request) override;

  // Tells watchers about changes. To be called periodically.
  void Refresh();

  // Tells watchers that nothing is served any more, ends their calls, and refuses later Watch
  // calls.
  void Stop();

 private:
  class Watcher;

  // Notes that a call on the connection has been answered. That does not make it a client, since
  // anybody may ask.
  void NoteCall(const grpc::CallbackServerContext& context);

  const std::function<HealthStatus(const std::string&)> status_of_;
  ConnectionTable& connections_;

  absl::Mutex mu_;
  std::unordered_set<Watcher*> watchers_ ABSL_GUARDED_BY(mu_);
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_HEALTH_SERVICE_H_
