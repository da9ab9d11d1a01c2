// The whole server in one object: it owns every pool, service and endpoint, and defines the order
// in which they start and stop.

#ifndef FRESHET_SERVER_SERVER_H_
#define FRESHET_SERVER_SERVER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "server/access/access_control.h"
#include "server/file/data_dir.h"
#include "server/http/figure_history.h"
#include "server/http/http_server.h"
#include "server/http/json_api.h"
#include "server/http/metrics_page.h"
#include "server/model/model_environment.h"
#include "server/net/connection_table.h"
#include "server/net/listening_sockets.h"
#include "server/registry/last_snapshots.h"
#include "server/registry/model_registry.h"
#include "server/server_options.h"
#include "server/service/call_gate.h"
#include "server/service/client_limits.h"
#include "server/service/event_service.h"
#include "server/service/grpc_endpoint.h"
#include "server/service/health_service.h"
#include "server/service/learning_service.h"
#include "server/service/model_service.h"
#include "server/service/rpc_metrics.h"
#include "server/service/stats_service.h"
#include "server/thread/periodic_task.h"
#include "server/thread/steady_clock.h"
#include "server/thread/turn_queue.h"
#include "server/thread/worker_pool.h"
#include "server/tls/tls_identity.h"

namespace freshet {

// Ownership and shutdown:
//
// The server owns the thread pools, the registry owns the models, and each model owns its pipeline
// and its log, whose work runs as tasks in the pools. A task holds a reference to its model, so a
// deleted model lives until its last task has ended. gRPC owns incoming calls. Calls wait for tasks
// in the pools, and tasks wait for each other: a learner hands records to a logger, a logger
// reports back to the learner and starts snapshots, and a task that writes a snapshot asks the
// learner for figures. So there is no order in which the pools could end one after the other.
// Shutdown therefore goes in these steps:
//
//   1. Timers, watchers of health and streams are told to end; nothing is waited for.
//   2. Streams have drain_grace_s to get answers to everything they sent and to read them.
//   3. Models stop (see Pipeline::Stop()): batches that are still queued are answered with
//      UNAVAILABLE, so that no call waits for the learner or for the disk, and each model's state
//      is exactly what was acknowledged.
//   4. gRPC shuts down, on a thread of its own, while the last snapshots are written. After this
//      step nothing more can be saved; steps 1 to 4 take bounded time.
//   5. Only now does the server wait for everything to end: for gRPC's calls, which may post tasks;
//      for HTTP, which makes calls; for timers and their last round; and finally for all pools
//      together, once nothing else can post tasks.
//   6. Objects are destroyed in the reverse order of their construction. No task, timer or call is
//      left by then.
//
// If a thread hangs in a disk operation, step 5 waits for it without end. A process that must end
// in time (see main.cc) exits then: that loses nothing that was not lost already, and Lost() says
// what that is.
class Server {
 public:
  // Locks the data folder and listens. Until Recover() is done, the health service says NOT_SERVING
  // and every call is answered with UNAVAILABLE. An error message is one line that says what to do.
  static absl::StatusOr<std::unique_ptr<Server>> Start(ServerOptions options);

  // Calls Drain() if that has not been done.
  ~Server();

  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Recovers the models, begins to serve them, and writes the endpoints file. Blocks. Call once.
  // Errors as for Start(); CANCELLED after CancelRecovery().
  absl::Status Recover();

  // Applies those of `options` that can change while the server runs: the log level, the snapshot
  // interval, limits.max_streams, limits.max_connections, client_limits and drain_grace_s. Reads
  // tokens and certificates again, and logs each changed setting that needs a restart. May be
  // called from any thread, but by one at a time. Does nothing before Recover() is done. Blocks
  // while it reads files.
  void Reconfigure(const ServerOptions& options);

  // Makes Recover() end soon if it is still running. From any thread.
  void CancelRecovery() { registry_->CancelRecovery(); }

  // Called before each step of the shutdown with the name of the step.
  using StepCallback = std::function<void(std::string_view step)>;

  // Stops accepting, finishes and answers what was accepted, writes a snapshot of every model that
  // has changed since its last one, and stops listening. Clients that do not read their answers,
  // and batches that are not learned and logged yet, delay it for at most drain_grace_s and are
  // then cut off; snapshots may take kLastSnapshotsTime more. Waits without end for operations on a
  // disk that hangs. Returns the records that were acknowledged and are lost. Call once, after
  // Recover() has returned.
  std::vector<LostRecords> Drain(const StepCallback& enter);
  static constexpr absl::Duration kLastSnapshotsTime = absl::Seconds(4);

  // The records that were acknowledged and would be lost if the process ended now. From any thread,
  // at any time; does not block.
  std::vector<LostRecords> Lost() const { return last_snapshots_->Lost(); }

  // The value in force now; Reconfigure() may change it.
  uint32_t drain_grace_s() const { return drain_grace_s_; }

  // The address of the gRPC endpoint: host:port, with the port that was taken, or unix:PATH.
  const std::string& address() const { return grpc_->address(); }

 private:
  explicit Server(ServerOptions options) : options_(std::move(options)) {}

  // Resolves the addresses of both endpoints and binds that of gRPC, so that an address that is not
  // allowed is found before anything listens.
  absl::Status BindAddresses();
  absl::Status LoadAccess();
  // Reads tokens and certificates again if their files have changed, and logs the result.
  void ReloadFiles();
  // Called every second.
  void Tick();
  // The steps of Drain().
  void BeginEnd();
  void EndStreams(SteadyTime deadline);
  void EndCalls(const StepCallback& enter);
  absl::Status Listen();
  absl::Status ListenGrpc();
  absl::Status ListenHttp();
  // OK while models are served; otherwise the reason why they are not. From any thread.
  absl::Status Ready() const;
  // What the health service says of `service`. From any thread.
  HealthStatus Health(const std::string& service) const;

  const ServerOptions options_;

  // In the order of construction; destroyed in reverse.
  std::optional<ListeningSockets> grpc_sockets_;  // Empty once the gRPC endpoint listens.
  std::string http_listen_;                       // Numeric host:port; empty: no HTTP endpoint.
  std::unique_ptr<AccessControl> access_;
  std::unique_ptr<TlsIdentity> tls_;  // Null without encryption.
  std::unique_ptr<ClientLimits> client_limits_;
  std::unique_ptr<ConnectionTable> connections_;
  std::unique_ptr<CallGate> gate_;
  std::unique_ptr<DataDir> data_dir_;
  std::unique_ptr<WorkerPool> io_;
  std::unique_ptr<WorkerPool> snapshots_;
  std::unique_ptr<WorkerPool> readers_;  // Read files for calls.
  std::unique_ptr<TurnQueue> turns_;     // Computes for long calls.
  std::unique_ptr<WorkerPool> loggers_;
  std::unique_ptr<WorkerPool> unsynced_loggers_;
  std::unique_ptr<WorkerPool> learners_;
  std::unique_ptr<WorkerPool> challengers_;
  std::unique_ptr<WorkerPool> enders_;  // Idle until shutdown; then it writes the last snapshots
                                        // and shuts gRPC down.
  std::atomic<uint64_t> total_queued_bytes_{0};
  std::unique_ptr<ModelEnvironment> environment_;
  std::unique_ptr<ModelRegistry> registry_;
  std::unique_ptr<LastSnapshots> last_snapshots_;
  RpcMetrics rpc_metrics_;
  std::unique_ptr<ModelServiceImpl> model_service_;
  std::unique_ptr<LearningServiceImpl> learning_service_;
  std::unique_ptr<StatsServiceImpl> stats_service_;
  std::unique_ptr<EventServiceImpl> event_service_;
  std::unique_ptr<HealthService> health_service_;
  std::unique_ptr<PeriodicTask> snapshot_timer_;  // Null before the models are served.
  std::unique_ptr<PeriodicTask> deletion_timer_;  // Null before the models are served.
  std::unique_ptr<PeriodicTask> ticker_;
  std::unique_ptr<GrpcEndpoint> grpc_;
  // Null without an HTTP endpoint.
  std::unique_ptr<MetricsPage> metrics_page_;
  std::shared_ptr<FigureHistory> figure_history_;
  std::unique_ptr<JsonApi> json_api_;
  std::unique_ptr<HttpServer> http_server_;
  std::unique_ptr<PeriodicTask> history_timer_;  // Null before the models are served, too.
  bool endpoints_written_ = false;
  bool drained_ = true;               // Nothing to drain until it listens.
  std::atomic<bool> serving_{false};  // Recover() is done.
  std::atomic<bool> stopping_{false};
  absl::Notification calls_ended_;           // gRPC has shut down.
  std::atomic<uint32_t> idle_timeout_s_{0};  // Of streams; 0: never.
  std::atomic<uint32_t> drain_grace_s_{0};
  std::atomic<int> withdrawal_ticks_{0};  // Ticks for which streams' tokens are still checked
                                          // again.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVER_H_
