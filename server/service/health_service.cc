#include "server/service/health_service.h"

#include <utility>

#include "absl/status/status.h"
#include "core/base/str_cat.h"
#include "server/net/acceptor.h"
#include "server/service/call_gate.h"
#include "server/service/client_limits.h"
#include "server/service/grpc_status.h"
#include "server/service/resource_name.h"

namespace freshet {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

HealthStatus ModelHealth(const ModelRegistry& registry, const std::string& name) {
  const absl::StatusOr<std::string> id = ParseModelName(name);
  if (!id.ok()) return HealthCheckResponse::SERVICE_UNKNOWN;
  if (!registry.Ready().ok()) return HealthCheckResponse::NOT_SERVING;
  const absl::StatusOr<std::shared_ptr<ServedModel>> model = registry.Find(*id);
  if (absl::IsNotFound(model.status())) return HealthCheckResponse::SERVICE_UNKNOWN;
  if (!model.ok()) return HealthCheckResponse::NOT_SERVING;
  return (*model)->log_fault().ok() ? HealthCheckResponse::SERVING
                                    : HealthCheckResponse::NOT_SERVING;
}

// One call of Watch. Deletes itself when gRPC is done with it.
class HealthService::Watcher final : public grpc::ServerWriteReactor<HealthCheckResponse> {
 public:
  Watcher(HealthService& owner, std::string service)
      : owner_(owner), service_(std::move(service)) {}

  const std::string& service() const { return service_; }

  // Sends the status unless it equals the last one sent.
  void Tell(HealthStatus status) {
    absl::MutexLock lock(&mu_);
    status_ = status;
    Advance();
  }

  // Sends the status in the same way, then ends the call.
  void End(HealthStatus status) {
    absl::MutexLock lock(&mu_);
    status_ = status;
    ending_ = true;
    Advance();
  }

  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(&mu_);
    writing_ = false;
    cancelled_ |= !ok;
    Advance();
  }

  void OnCancel() override {
    absl::MutexLock lock(&mu_);
    cancelled_ = true;
    Advance();
  }

  void OnDone() override {
    {
      absl::MutexLock lock(&owner_.mu_);
      owner_.watchers_.erase(this);
    }
    delete this;
  }

 private:
  // Starts gRPC's operations while the lock is held; starting one only queues it in gRPC.
  void Advance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (writing_ || finished_) return;
    if (cancelled_) {
      finished_ = true;
      Finish(grpc::Status::CANCELLED);
    } else if (response_.status() != status_) {
      response_.set_status(status_);
      writing_ = true;
      StartWrite(&response_);
    } else if (ending_) {
      finished_ = true;
      Finish(ToGrpcStatus(absl::UnavailableError("the server is stopping")));
    }
  }

  HealthService& owner_;
  const std::string service_;

  absl::Mutex mu_;
  HealthCheckResponse response_ ABSL_GUARDED_BY(mu_);  // The last one sent; UNKNOWN: none yet.
  HealthStatus status_ ABSL_GUARDED_BY(mu_) = HealthCheckResponse::UNKNOWN;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool ending_ ABSL_GUARDED_BY(mu_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
};

void HealthService::NoteCall(const grpc::CallbackServerContext& context) {
  if (!connections_.all_are_clients()) connections_.MarkAnswered(PeerName(context.peer()));
}

grpc::ServerUnaryReactor* HealthService::Check(grpc::CallbackServerContext* context,
                                               const HealthCheckRequest* request,
                                               HealthCheckResponse* response) {
  NoteCall(*context);
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const HealthStatus status = status_of_(request->service());
  response->set_status(status);
  reactor->Finish(status == HealthCheckResponse::SERVICE_UNKNOWN
                      ? ToGrpcStatus(absl::NotFoundError(
                            "there is no such service; ask for \"\" or models/{model}"))
                      : grpc::Status::OK);
  return reactor;
}

grpc::ServerWriteReactor<HealthCheckResponse>* HealthService::Watch(
    grpc::CallbackServerContext* context, const HealthCheckRequest* request) {
  NoteCall(*context);
  using Refused = RefusedStream<grpc::ServerWriteReactor<HealthCheckResponse>>;
  absl::MutexLock lock(&mu_);
  if (stopped_) return new Refused(absl::UnavailableError("the server is stopping"));
  if (watchers_.size() >= kMaxWatchers) {
    return new Refused(TryAgainAfter(
        StrCat(kMaxWatchers, " clients already watch the server's health, which is its limit"),
        absl::Seconds(1)));
  }
  auto* watcher = new Watcher(*this, request->service());
  watchers_.insert(watcher);
  watcher->Tell(status_of_(request->service()));
  return watcher;
}

void HealthService::Refresh() {
  absl::MutexLock lock(&mu_);
  for (Watcher* watcher : watchers_) watcher->Tell(status_of_(watcher->service()));
}

void HealthService::Stop() {
  absl::MutexLock lock(&mu_);
  stopped_ = true;
  for (Watcher* watcher : watchers_) watcher->End(HealthCheckResponse::NOT_SERVING);
}

}  // namespace freshet
