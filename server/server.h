// The whole server in one object.

#ifndef FRESHET_SERVER_SERVER_H_
#define FRESHET_SERVER_SERVER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "server/access/access_control.h"
#include "server/file/data_dir.h"
#include "server/http/figure_history.h"
#include "server/http/http_server.h"
#include "server/http/json_api.h"
#include "server/http/metrics_page.h"
#include "server/net/connection_table.h"
#include "server/net/listening_sockets.h"
#include "server/runtime/model_registry.h"
#include "server/runtime/periodic_task.h"
#include "server/runtime/runtime_environment.h"
#include "server/runtime/worker_pool.h"
#include "server/server_options.h"
#include "server/service/call_gate.h"
#include "server/service/client_limits.h"
#include "server/service/grpc_endpoint.h"
#include "server/service/health_service.h"
#include "server/service/learning_service.h"
#include "server/service/model_service.h"
#include "server/service/rpc_metrics.h"
#include "server/service/stats_service.h"
#include "server/tls/tls_identity.h"

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

  // Takes over what of `options` can change while it runs: the log level, the interval of
  // snapshots, limits.max_streams and max_connections, client_limits and drain_grace_s; reads
  // tokens and certificates again; and logs what takes a restart. From any thread, once Recover()
  // is done; before, it does nothing.
  void Reconfigure(const ServerOptions& options);

  // Makes Recover() end soon, if it is not done yet. From any thread.
  void CancelRecovery() { registry_->CancelRecovery(); }

  // Stops accepting, finishes and answers what was accepted, snapshots every model that has moved
  // on, and stops listening. Clients that do not take their answers hold it up for drain_grace_s
  // and are then cut off. Call once, from any thread.
  void Drain();

  // Of the gRPC endpoint: host:port, with the port that was taken, or unix:PATH.
  const std::string& address() const { return grpc_->address(); }

 private:
  explicit Server(ServerOptions options) : options_(std::move(options)) {}

  // Takes the addresses of both endpoints, so that one that nobody may reach is found before
  // anything listens.
  absl::Status BindAddresses();
  absl::Status LoadAccess();
  // Reads tokens and certificates again where they have changed, and logs what became of it.
  void ReloadFiles();
  // What is done every second.
  void Tick();
  void StartSnapshotTimer(uint32_t interval_s);
  absl::Status Listen();
  absl::Status ListenGrpc();
  absl::Status ListenHttp();
  // OK while models are served; otherwise says why they are not. From any thread.
  absl::Status Ready() const;
  // What the health service says of `service`. From any thread.
  HealthStatus Health(const std::string& service) const;

  const ServerOptions options_;

  // In the order of construction; destroyed the other way round.
  std::optional<ListeningSockets> grpc_sockets_;  // None once they listen.
  std::string http_listen_;                       // Numbers; empty: there is no HTTP endpoint.
  std::unique_ptr<AccessControl> access_;
  std::unique_ptr<TlsIdentity> tls_;  // Null where there is no encryption.
  std::unique_ptr<ClientLimits> client_limits_;
  std::unique_ptr<ConnectionTable> connections_;
  std::unique_ptr<CallGate> gate_;
  std::unique_ptr<DataDir> data_dir_;
  std::unique_ptr<WorkerPool> io_;
  std::unique_ptr<WorkerPool> snapshots_;
  std::unique_ptr<WorkerPool> loggers_;
  std::unique_ptr<WorkerPool> learners_;
  std::atomic<uint64_t> total_queued_bytes_{0};
  std::unique_ptr<RuntimeEnvironment> environment_;
  std::unique_ptr<ModelRegistry> registry_;
  RpcMetrics rpc_metrics_;
  std::unique_ptr<ModelServiceImpl> model_service_;
  std::unique_ptr<LearningServiceImpl> learning_service_;
  std::unique_ptr<StatsServiceImpl> stats_service_;
  std::unique_ptr<HealthService> health_service_;
  absl::Mutex timer_mu_;  // Held while timers are started and stopped.
  // Null where there are no snapshots by interval, or the server is not serving.
  std::unique_ptr<PeriodicTask> snapshot_timer_ ABSL_GUARDED_BY(timer_mu_);
  bool serving_ ABSL_GUARDED_BY(timer_mu_) = false;
  std::unique_ptr<PeriodicTask> deletion_timer_;  // Null before the models are served.
  std::unique_ptr<PeriodicTask> ticker_;
  std::unique_ptr<GrpcEndpoint> grpc_;
  // Null where there is no HTTP endpoint.
  std::unique_ptr<MetricsPage> metrics_page_;
  std::shared_ptr<FigureHistory> figure_history_;
  std::unique_ptr<JsonApi> json_api_;
  std::unique_ptr<HttpServer> http_server_;
  std::unique_ptr<PeriodicTask> history_timer_;  // Null also before models are served.
  bool endpoints_written_ = false;
  bool drained_ = true;  // Nothing to drain until it listens.
  std::atomic<bool> stopping_{false};
  std::atomic<uint32_t> idle_timeout_s_{0};  // Of streams; 0: never.
  std::atomic<uint32_t> drain_grace_s_{0};
  std::atomic<int> withdrawal_ticks_{0};  // How often streams are still asked for their tokens.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVER_H_
