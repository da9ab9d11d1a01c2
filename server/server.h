// The whole server in one object.

#ifndef FRESHET_SERVER_SERVER_H_
#define FRESHET_SERVER_SERVER_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/access/access_control.h"
#include "server/file/data_dir.h"
#include "server/http/figure_history.h"
#include "server/http/http_server.h"
#include "server/http/json_api.h"
#include "server/http/metrics_page.h"
#include "server/runtime/model_registry.h"
#include "server/runtime/periodic_task.h"
#include "server/runtime/runtime_environment.h"
#include "server/runtime/worker_pool.h"
#include "server/server_options.h"
#include "server/service/call_gate.h"
#include "server/service/learning_service.h"
#include "server/service/model_service.h"
#include "server/service/rpc_metrics.h"
#include "server/service/stats_service.h"

namespace freshet {

class Server {
 public:
  // Locks the data folder and listens. Until Recover() is done, the health service says NOT_SERVING
  // and every call is answered with UNAVAILABLE. The message of a failure is one line that says
  // what to do.
  static absl::StatusOr<std::unique_ptr<Server>> Start(ServerOptions options);

  // As Drain(), where it was not called.
  ~Server();

  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Recovers the models, serves them, and writes the endpoints file. Blocks. Call once. Failures as
  // above; CANCELLED where that was asked for.
  absl::Status Recover();

  // Makes Recover() end soon, if it is not done yet. From any thread.
  void CancelRecovery() { registry_->CancelRecovery(); }

  // Stops accepting, finishes and answers what was accepted, snapshots every model that has moved
  // on, and stops listening. Call once, from any thread.
  void Drain();

  // host:port of the gRPC endpoint, with the port that was taken.
  const std::string& address() const { return address_; }

 private:
  explicit Server(ServerOptions options) : options_(std::move(options)) {}

  absl::Status LoadAccess();
  // Reads again what may have changed, and logs what became of it.
  void Reload();
  absl::Status Listen();
  absl::Status ListenGrpc();
  absl::Status ListenHttp();
  // OK while models are served; otherwise says why they are not. From any thread.
  absl::Status Ready() const;
  // What the endpoints file says.
  std::string Endpoints() const;
  void SetHealth(bool serving);

  const ServerOptions options_;

  // In the order of construction; destroyed the other way round.
  std::unique_ptr<AccessControl> access_;
  std::unique_ptr<CallGate> gate_;
  std::unique_ptr<DataDir> data_dir_;
  std::unique_ptr<WorkerPool> io_;
  std::unique_ptr<WorkerPool> loggers_;
  std::unique_ptr<WorkerPool> learners_;
  std::unique_ptr<RuntimeEnvironment> environment_;
  std::unique_ptr<ModelRegistry> registry_;
  RpcMetrics rpc_metrics_;
  std::unique_ptr<ModelServiceImpl> model_service_;
  std::unique_ptr<LearningServiceImpl> learning_service_;
  std::unique_ptr<StatsServiceImpl> stats_service_;
  std::unique_ptr<PeriodicTask> snapshot_timer_;  // Null where there are no snapshots by interval.
  std::unique_ptr<PeriodicTask> deletion_timer_;  // Null before the models are served.
  std::unique_ptr<PeriodicTask> reload_timer_;    // Null where there is nothing to reload.
  std::unique_ptr<grpc::Server> grpc_server_;
  // Null where there is no HTTP endpoint.
  std::unique_ptr<MetricsPage> metrics_page_;
  std::shared_ptr<FigureHistory> figure_history_;
  std::unique_ptr<JsonApi> json_api_;
  std::unique_ptr<HttpServer> http_server_;
  std::unique_ptr<PeriodicTask> history_timer_;  // Null also before models are served.
  std::string address_;
  bool endpoints_written_ = false;
  bool drained_ = true;  // Nothing to drain until it listens.
  std::atomic<bool> stopping_{false};
};

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVER_H_
