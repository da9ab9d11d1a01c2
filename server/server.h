// The whole server in one object.

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

// What owns what, and how it ends.
//
// The server owns the pools, the registry owns the models, and each model its pipeline and its log,
// whose strands are tasks of the pools. A task holds its model, so a model lives as long as
// anything is done for it, also when it is deleted. What calls come in is owned by gRPC; it waits
// for tasks of the pools, and those for each other: a learner hands records to a logger, a logger
// tells the learner and lets snapshots be written, a snapshot that is written asks the learner for
// figures. There is no order in which such pools could end one after the other. So at the end:
//
//   1. Everybody is told to end, and nobody is waited for: timers, watchers of health, streams.
//   2. Streams have drain_grace_s until what they sent is answered and read.
//   3. Models stop (see Pipeline::Stop()): what is left in line is answered with UNAVAILABLE, so
//      that no call waits for the learner or for the disk, and each state is what was acknowledged.
//   4. gRPC shuts down, on a thread of its own, while the last snapshots are written. All that can
//      save anything has happened now, in bounded time.
//   5. Only then is waited for: gRPC's calls, which may post tasks; HTTP, which makes calls; timers
//      and their last round; and at last the pools, all of them together, once nobody else can
//      post.
//   6. Objects go in the reverse order of their construction. No task, timer or call is left.
//
// Where a thread does not come back from the disk, step 5 waits for it. Whoever must end in time
// (see main.cc) ends the process then: nothing that is lost by that was not lost before, and Lost()
// says what that is.
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
  // tokens and certificates again; and logs what takes a restart. From any thread, but one at a
  // time, once Recover() is done; before, it does nothing. Blocks on the files.
  void Reconfigure(const ServerOptions& options);

  // Makes Recover() end soon, if it is not done yet. From any thread.
  void CancelRecovery() { registry_->CancelRecovery(); }

  // Called with the name of each step of the end, before the step.
  using StepCallback = std::function<void(std::string_view step)>;

  // Stops accepting, finishes and answers what was accepted, snapshots every model that has moved
  // on, and stops listening. Clients that do not take their answers, and what is not learned or
  // logged by then, hold it up for drain_grace_s and are then cut off; snapshots may take
  // kLastSnapshotsTime more. What is under way on a disk that hangs is waited for without end.
  // Returns what was acknowledged and is lost. Call once, after Recover() has returned.
  std::vector<LostRecords> Drain(const StepCallback& enter);
  static constexpr absl::Duration kLastSnapshotsTime = absl::Seconds(4);

  // What was acknowledged and would be lost if the process ended now. From any thread, at any time;
  // does not block.
  std::vector<LostRecords> Lost() const { return last_snapshots_->Lost(); }

  // As it is configured now.
  uint32_t drain_grace_s() const { return drain_grace_s_; }

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
  // The steps of Drain().
  void BeginEnd();
  void EndStreams(SteadyTime deadline);
  void EndCalls(const StepCallback& enter);
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
  std::unique_ptr<WorkerPool> readers_;  // Read files for calls.
  std::unique_ptr<TurnQueue> turns_;     // Does the work of long calls.
  std::unique_ptr<WorkerPool> loggers_;
  std::unique_ptr<WorkerPool> unsynced_loggers_;
  std::unique_ptr<WorkerPool> learners_;
  std::unique_ptr<WorkerPool> enders_;  // Idle until the end: its snapshots, and the end of gRPC.
  std::atomic<uint64_t> total_queued_bytes_{0};
  std::unique_ptr<ModelEnvironment> environment_;
  std::unique_ptr<ModelRegistry> registry_;
  std::unique_ptr<LastSnapshots> last_snapshots_;
  RpcMetrics rpc_metrics_;
  std::unique_ptr<ModelServiceImpl> model_service_;
  std::unique_ptr<LearningServiceImpl> learning_service_;
  std::unique_ptr<StatsServiceImpl> stats_service_;
  std::unique_ptr<HealthService> health_service_;
  std::unique_ptr<PeriodicTask> snapshot_timer_;  // Null before the models are served.
  std::unique_ptr<PeriodicTask> deletion_timer_;  // As well.
  std::unique_ptr<PeriodicTask> ticker_;
  std::unique_ptr<GrpcEndpoint> grpc_;
  // Null where there is no HTTP endpoint.
  std::unique_ptr<MetricsPage> metrics_page_;
  std::shared_ptr<FigureHistory> figure_history_;
  std::unique_ptr<JsonApi> json_api_;
  std::unique_ptr<HttpServer> http_server_;
  std::unique_ptr<PeriodicTask> history_timer_;  // Null also before models are served.
  bool endpoints_written_ = false;
  bool drained_ = true;               // Nothing to drain until it listens.
  std::atomic<bool> serving_{false};  // Recover() is done.
  std::atomic<bool> stopping_{false};
  absl::Notification calls_ended_;           // gRPC has shut down.
  std::atomic<uint32_t> idle_timeout_s_{0};  // Of streams; 0: never.
  std::atomic<uint32_t> drain_grace_s_{0};
  std::atomic<int> withdrawal_ticks_{0};  // How often streams are still asked for their tokens.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVER_H_
