#include "server/server.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "core/base/json_object.h"
#include "core/base/str_cat.h"
#include "server/codec/parsed_size.h"
#include "server/endpoints_file.h"
#include "server/file/file_system.h"
#include "server/file/resource_id.h"
#include "server/http/routes.h"
#include "server/listen_address.h"
#include "server/net/descriptor_limit.h"
#include "server/net/listening_sockets.h"
#include "server/registry/model_upkeep.h"
#include "server/thread/thread_priority.h"
#include "server/version.h"

namespace freshet {
namespace {

// Time that calls have to end once the streams have ended; then they are cut off. Connections of
// idle clients get the same time, since clients may be slow to notice the shutdown.
constexpr absl::Duration kGrace = absl::Milliseconds(500);

// Interval between samples of the models' figures for the dashboard.
constexpr absl::Duration kHistoryInterval = absl::Seconds(5);

// How often logs are checked for old records. The log of an idle model may outlive log.retain_age_s
// by this much.
constexpr absl::Duration kDeletionInterval = absl::Minutes(1);

// How often the server looks for changed files and for idle streams.
constexpr absl::Duration kTickInterval = absl::Seconds(1);

// For this many ticks after the tokens have changed, the tokens of all streams are checked again.
// More than one check is needed to find streams that were just starting with an old token, and to
// cut off streams that were told to end and did not.
constexpr int kWithdrawalTicks = 3;

ClientLimits::Options ClientLimitsOf(const ServerOptions& options) {
  return {.requests_per_second = options.client_requests_per_second,
          .examples_per_second = options.client_examples_per_second,
          .max_streams = options.client_max_streams};
}

HttpOptions HttpOptionsOf(const ServerOptions& options, std::string listen,
                          const AccessControl* access, const TlsIdentity* tls) {
  return {.listen = std::move(listen),
          .request_timeout = absl::Seconds(options.http_head_timeout_s),
          .body_timeout = absl::Seconds(options.http_body_timeout_s),
          .answer_timeout = absl::Seconds(options.http_answer_timeout_s),
          .idle_timeout = absl::Seconds(options.http_idle_timeout_s),
          .max_request_bytes = options.http_max_head_bytes,
          .max_body_bytes = options.max_message_bytes,
          .max_connections = options.http_max_connections,
          .max_address_connections = options.http_max_address_connections,
          .max_memory_bytes = options.http_max_memory_bytes,
          .access = access,
          .tls = tls};
}

// Limits the memory that a batch's segments take to 64 MiB, counting growth and a reordered copy.
constexpr size_t kMaxSegments = size_t{1} << 22;

constexpr int kIoThreads = 2;

// Number of snapshots written at the same time. They do not use the io threads, because a large
// snapshot or a slow disk would delay administrative calls.
constexpr int kSnapshotThreads = 2;

// Four of the last snapshots at a time, and one thread for gRPC's shutdown.
constexpr int kEnderThreads = 4 + 1;

absl::Duration SnapshotInterval(const ServerOptions& options) {
  return options.snapshot_interval_s == 0 ? absl::InfiniteDuration()
                                          : absl::Seconds(options.snapshot_interval_s);
}

// Number of calls that read files for a long time, such as exports, at the same time.
constexpr int kReaderThreads = 2;

// Number of logs that may wait for the disk at the same time.
constexpr int kLoggerThreads = 4;

// Threads for logs that do not wait for the disk: their writes only go to the page cache.
constexpr int kUnsyncedLoggerThreads = 2;

int LearnerThreads(const ServerOptions& options) {
  if (options.learner_threads != 0) return static_cast<int>(options.learner_threads);
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

// Challengers of all models together take half of the processors at most.
int ChallengerThreads(const ServerOptions& options) {
  return std::max(1, LearnerThreads(options) / 2);
}

// Threads that compute for long calls: one per processor.
int TurnThreads() { return static_cast<int>(std::max(1U, std::thread::hardware_concurrency())); }

// Logs the result of reading `file` again. `what` names its content; `changed` says whether the
// content is new, or why it could not be read.
void LogReload(std::string_view what, const std::string& file,
               const absl::StatusOr<bool>& changed) {
  if (!changed.ok()) {
    spdlog::error("event={}_not_reloaded error={}; the previous content stays in use", what,
                  JsonString(ToStd(changed.status().message())));
  } else if (*changed) {
    spdlog::info("event={}_reloaded file={}", what, JsonString(file));
  }
}

// The limit of connections from the settings, lowered to what file descriptors allow.
ConnectionTable::Limits ConnectionLimits(const ServerOptions& options) {
  const uint32_t affordable = AffordableConnections();
  if (affordable < options.max_connections) {
    spdlog::warn(
        "event=connections_capped limit={} setting={}; the limit of file descriptors is "
        "too low for limits.max_connections; raise it (ulimit -n, LimitNOFILE)",
        affordable, options.max_connections);
  }
  return {.total = std::min(affordable, options.max_connections),
          .by_address = options.client_max_connections};
}

// Why the endpoints must not be reachable from other machines; empty if they may be.
std::string_view Unprotected(const ServerOptions& options) {
  if (options.insecure) return "";
  if (options.tls.empty()) return "there is no encryption";
  return options.token_file.empty() ? "there are no tokens" : "";
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(ServerOptions options_in) {
  std::unique_ptr<Server> server(new Server(std::move(options_in)));
  const ServerOptions& options = server->options_;
  if (absl::Status status = server->BindAddresses(); !status.ok()) return status;
  if (absl::Status status = server->LoadAccess(); !status.ok()) return status;
  absl::StatusOr<std::unique_ptr<DataDir>> data_dir =
      DataDir::Open(PosixFileSystem(), options.data_dir);
  if (!data_dir.ok()) return data_dir.status();
  server->data_dir_ = *std::move(data_dir);
  server->io_ = std::make_unique<WorkerPool>("io", kIoThreads);
  server->snapshots_ = std::make_unique<WorkerPool>("snapshot", kSnapshotThreads);
  server->readers_ = std::make_unique<WorkerPool>("reader", kReaderThreads);
  server->turns_ = std::make_unique<TurnQueue>("call", TurnThreads());
  server->loggers_ = std::make_unique<WorkerPool>("logger", kLoggerThreads);
  server->unsynced_loggers_ = std::make_unique<WorkerPool>("os-logger", kUnsyncedLoggerThreads);
  server->learners_ = std::make_unique<WorkerPool>("learner", LearnerThreads(options));
  server->challengers_ = std::make_unique<WorkerPool>("challenger", ChallengerThreads(options));
  server->enders_ = std::make_unique<WorkerPool>("end", kEnderThreads);
  server->environment_ = std::make_unique<ModelEnvironment>(
      ModelEnvironment{.data_dir = *server->data_dir_,
                       .learners = *server->learners_,
                       .loggers = *server->loggers_,
                       .io = *server->io_,
                       .challengers = server->challengers_.get(),
                       .unsynced_loggers = server->unsynced_loggers_.get(),
                       .snapshots = server->snapshots_.get(),
                       .last_snapshots = server->enders_.get(),
                       .clock = [] { return absl::Now(); },
                       .keep_snapshot_count = options.keep_snapshot_count,
                       .keep_hourly_snapshot_count = options.keep_hourly_snapshot_count,
                       .keep_daily_snapshot_count = options.keep_daily_snapshot_count,
                       .snapshot_log_growth_bytes = options.snapshot_log_growth_bytes,
                       .log_segment_bytes = options.log_segment_bytes,
                       .log_retention = {.max_bytes = options.log_retain_bytes,
                                         .max_age = absl::Seconds(options.log_retain_age_s)},
                       .max_queue_bytes = options.max_queue_bytes,
                       .max_total_queue_bytes = options.max_total_queue_bytes,
                       .total_queued_bytes = &server->total_queued_bytes_,
                       .max_producers = options.max_producers,
                       .max_models = options.max_models,
                       .max_names = options.max_names,
                       .strict = options.strict,
                       .predict_while_recovering = options.predict_while_recovering,
                       .server_version = kVersion});
  server->registry_ = std::make_unique<ModelRegistry>(*server->environment_);
  server->last_snapshots_ = std::make_unique<LastSnapshots>(*server->registry_);
  if (absl::Status status = server->Listen(); !status.ok()) return status;
  return server;
}

absl::Status Server::BindAddresses() {
  if (!options_.endpoints_file.empty()) {
    absl::Status status = CheckEndpointsFile(options_.endpoints_file);
    if (!status.ok()) return status;
  }
  const Reach reach{.unprotected = Unprotected(options_)};
  absl::StatusOr<ListenAddress> listen =
      ParseListenAddress("listen", options_.listen, UnixSockets::kAllowed);
  if (!listen.ok()) return listen.status();
  if (!options_.http.empty()) {
    absl::StatusOr<ListenAddress> http =
        ParseListenAddress("http", options_.http, UnixSockets::kRefused);
    if (!http.ok()) return http.status();
    absl::StatusOr<std::vector<SocketAddress>> resolved = Resolve("http", *http);
    if (!resolved.ok()) return resolved.status();
    absl::Status status = CheckReach("http", options_.http, *resolved, reach);
    if (!status.ok()) return status;
    // The name is resolved only once, so that the address that listens is the one that was checked.
    // If there are several, an IPv4 address is taken, because localhost may resolve to an IPv6
    // address on a machine without IPv6.
    const auto v4 = std::find_if(
        resolved->begin(), resolved->end(),
        [](const SocketAddress& address) { return address.storage.ss_family == AF_INET; });
    http_listen_ = (v4 == resolved->end() ? resolved->front() : *v4).host_port();
  }
  absl::StatusOr<ListeningSockets> sockets = ListeningSockets::Bind("listen", *listen, reach);
  if (!sockets.ok()) return sockets.status();
  grpc_sockets_.emplace(*std::move(sockets));
  return absl::OkStatus();
}

absl::Status Server::LoadAccess() {
  if (options_.token_file.empty()) {
    access_ = std::make_unique<AccessControl>();
  } else {
    absl::StatusOr<std::unique_ptr<AccessControl>> loaded =
        AccessControl::Load(options_.token_file);
    if (!loaded.ok()) return loaded.status();
    access_ = *std::move(loaded);
  }
  if (!options_.tls.empty()) {
    absl::StatusOr<std::unique_ptr<TlsIdentity>> loaded = TlsIdentity::Load(options_.tls);
    if (!loaded.ok()) return loaded.status();
    tls_ = *std::move(loaded);
  }
  client_limits_ = std::make_unique<ClientLimits>(ClientLimitsOf(options_));
  idle_timeout_s_ = options_.client_idle_timeout_s;
  drain_grace_s_ = options_.drain_grace_s;
  connections_ = std::make_unique<ConnectionTable>(ConnectionLimits(options_));
  gate_ = std::make_unique<CallGate>(*access_, *client_limits_, *connections_);
  return absl::OkStatus();
}

void Server::ReloadFiles() {
  const absl::StatusOr<bool> tokens = access_->Reload();
  LogReload("tokens", options_.token_file, tokens);
  if (tokens.ok() && *tokens) withdrawal_ticks_ = kWithdrawalTicks;
  if (tls_ != nullptr) LogReload("tls", options_.tls.certificate, tls_->Reload());
}

void Server::Tick() {
  ReloadFiles();
  if (withdrawal_ticks_ > 0) {
    --withdrawal_ticks_;
    learning_service_->EndWithdrawnStreams();
  }
  health_service_->Refresh();
  const uint32_t timeout_s = idle_timeout_s_;
  if (timeout_s > 0) {
    learning_service_->EndStreamsIdleSince(SteadyClock::System().Now() -
                                           std::chrono::seconds(timeout_s));
  }
}

void Server::Reconfigure(const ServerOptions& options) {
  if (!serving_) return;
  for (const std::string& name : ChangedUntilRestart(options_, options)) {
    spdlog::warn("event=not_reconfigured setting={}; restart the server to apply it", name);
  }
  spdlog::set_level(spdlog::level::from_str(options.log_level));
  client_limits_->SetOptions(ClientLimitsOf(options));
  connections_->SetLimits(ConnectionLimits(options));
  idle_timeout_s_ = options.client_idle_timeout_s;
  drain_grace_s_ = options.drain_grace_s;
  learning_service_->SetMaxStreams(options.max_streams);
  snapshot_timer_->SetInterval(SnapshotInterval(options));
  ReloadFiles();
  spdlog::info("event=reconfigured");
}

absl::Status Server::Listen() {
  if (absl::Status status = ListenGrpc(); !status.ok()) return status;
  if (absl::Status status = ListenHttp(); !status.ok()) return status;
  drained_ = false;
  ticker_ = std::make_unique<PeriodicTask>(kTickInterval, [this] { Tick(); });
  spdlog::info("event=listening grpc={} http={} tls={} tokens={}", address(),
               http_server_ == nullptr ? "off" : http_server_->address(),
               tls_ == nullptr                        ? "off"
               : tls_->asks_for_client_certificates() ? "mutual"
                                                      : "on",
               access_->has_tokens() ? "on" : "off");
  return absl::OkStatus();
}

absl::Status Server::ListenGrpc() {
  const BatchLimits limits{
      .max_examples = options_.max_batch_examples,
      .max_example_features = options_.max_example_features,
      .max_parsed_bytes = kMaxParsedGrowth * uint64_t{options_.max_message_bytes},
      .max_segments = kMaxSegments};
  model_service_ =
      std::make_unique<ModelServiceImpl>(*gate_, *registry_, *data_dir_, *io_, *readers_);
  learning_service_ = std::make_unique<LearningServiceImpl>(
      *gate_, *registry_, *turns_, limits, options_.max_streams, options_.max_names,
      environment_->clock);
  stats_service_ = std::make_unique<StatsServiceImpl>(
      *gate_, *registry_, limits, options_.max_explained_features, *turns_, *readers_);
  event_service_ = std::make_unique<EventServiceImpl>(*gate_, *registry_, *readers_);
  health_service_ = std::make_unique<HealthService>(
      [this](const std::string& service) { return Health(service); }, *connections_);

  TakeShortTurns();  // gRPC's threads start here and do little work per wake-up.
  const GrpcEndpoint::Options options{.connections = connections_.get(),
                                      .max_message_bytes = options_.max_message_bytes,
                                      .max_receiving_bytes = options_.max_receiving_bytes,
                                      .tls = tls_.get(),
                                      .access = access_.get()};
  const std::array<grpc::Service*, 5> services = {model_service_.get(), learning_service_.get(),
                                                  stats_service_.get(), event_service_.get(),
                                                  health_service_.get()};
  GrpcEndpoint::Interceptors interceptors;
  interceptors.push_back(rpc_metrics_.MakeInterceptorFactory());
  absl::StatusOr<std::unique_ptr<GrpcEndpoint>> grpc =
      GrpcEndpoint::Start(*std::move(grpc_sockets_), options, services, std::move(interceptors));
  if (!grpc.ok()) return grpc.status();
  grpc_ = *std::move(grpc);
  grpc_sockets_.reset();
  return absl::OkStatus();
}

absl::Status Server::ListenHttp() {
  if (options_.http.empty()) return absl::OkStatus();
  metrics_page_ =
      std::make_unique<MetricsPage>(*registry_, *learning_service_, rpc_metrics_, *connections_);
  figure_history_ =
      std::make_shared<FigureHistory>(FigureHistory::Options{.clock = environment_->clock});
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);  // Messages of the server itself need no limit.
  json_api_ =
      std::make_unique<JsonApi>(grpc_->InProcessChannel(arguments),
                                JsonApi::Options{.max_batch_examples = options_.max_batch_examples,
                                                 .access = access_.get(),
                                                 .input_of = [this](std::string_view name) {
                                                   const auto model = registry_->Find(LastId(name));
                                                   return model.ok() ? (*model)->input() : nullptr;
                                                 }});
  absl::StatusOr<std::unique_ptr<HttpServer>> http = HttpServer::Start(
      HttpOptionsOf(options_, http_listen_, access_.get(), tls_.get()),
      MakeRoutes([this] { return Ready(); }, *metrics_page_, *figure_history_), json_api_.get());
  if (!http.ok()) return http.status();
  http_server_ = *std::move(http);
  return absl::OkStatus();
}

absl::Status Server::Ready() const {
  return stopping_ ? absl::UnavailableError("the server is stopping") : registry_->Ready();
}

HealthStatus Server::Health(const std::string& service) const {
  if (!service.empty() && !stopping_) return ModelHealth(*registry_, service);
  return Ready().ok() ? grpc::health::v1::HealthCheckResponse::SERVING
                      : grpc::health::v1::HealthCheckResponse::NOT_SERVING;
}

absl::Status Server::Recover() {
  if (absl::Status status = registry_->Recover(); !status.ok()) return status;
  snapshot_timer_ = std::make_unique<PeriodicTask>(SnapshotInterval(options_), [this] {
    SnapshotAll(*registry_, v1::SNAPSHOT_TRIGGER_INTERVAL);
  });
  if (figure_history_ != nullptr) {
    history_timer_ = std::make_unique<PeriodicTask>(
        kHistoryInterval, [this] { figure_history_->Sample(*registry_); });
  }
  deletion_timer_ = std::make_unique<PeriodicTask>(
      kDeletionInterval, [this] { DropOldRecords(*registry_, stopping_); });
  serving_ = true;
  health_service_->Refresh();
  spdlog::info(
      "event=serving version={} grpc={} data_dir={} models={} damaged={} learner_threads={} pid={}",
      kVersion, address(), JsonString(options_.data_dir), registry_->models()->size(),
      registry_->damaged()->size(), LearnerThreads(options_), getpid());
  if (options_.endpoints_file.empty()) return absl::OkStatus();
  absl::Status status =
      WriteEndpointsFile(options_.endpoints_file,
                         {.grpc = address(),
                          .http = http_server_ == nullptr ? std::string() : http_server_->address(),
                          .tls = tls_ != nullptr,
                          .pid = getpid()});
  endpoints_written_ = status.ok();
  return status;
}

void Server::BeginEnd() {
  stopping_ = true;
  serving_ = false;
  for (PeriodicTask* timer :
       {ticker_.get(), snapshot_timer_.get(), history_timer_.get(), deletion_timer_.get()}) {
    if (timer != nullptr) timer->Stop();
  }
  health_service_->Stop();
}

void Server::EndStreams(SteadyTime deadline) {
  const absl::Status reason =
      absl::UnavailableError("the server is stopping; send again what was not acknowledged");
  learning_service_->EndStreams(reason);
  const size_t left = learning_service_->AwaitNoStreams(deadline);
  if (left > 0) {
    spdlog::warn("event=streams_cut_off count={} drain_grace_s={}", left, drain_grace_s());
  }
  if (!learning_service_->AwaitLoggedEvents(deadline)) {
    spdlog::warn(
        "event=events_not_logged reason=\"predictions were answered whose events are not "
        "in the log yet\" drain_grace_s={}",
        drain_grace_s());
  }
  for (const auto models = registry_->models(); const auto& [id, model] : *models) {
    model->Stop(reason);
  }
}

// Waits for calls to end, then ends HTTP and the timers, which make calls and post tasks, then the
// pools.
void Server::EndCalls(const StepCallback& enter) {
  enter("waiting for calls to end");
  calls_ended_.WaitForNotification();
  enter("ending HTTP");
  http_server_.reset();  // Probes were answered until now.
  json_api_.reset();
  enter("waiting for timers");
  for (auto* timer : {&ticker_, &snapshot_timer_, &history_timer_, &deletion_timer_}) {
    timer->reset();
  }
  enter("waiting for the disk and the learners");
  const std::array<WorkerPool*, 9> pools = {
      &turns_->pool(),    readers_.get(), learners_.get(),
      challengers_.get(), loggers_.get(), unsynced_loggers_.get(),
      snapshots_.get(),   io_.get(),      enders_.get()};
  WorkerPool::EndAll(pools);
}

std::vector<LostRecords> Server::Drain(const StepCallback& enter) {
  const SteadyTime grace_end = SteadyClock::System().After(absl::Seconds(drain_grace_s()));
  drained_ = true;
  enter("waiting for streams to end");
  spdlog::info("event=draining");
  BeginEnd();
  EndStreams(grace_end);
  enders_->Post([this] {
    grpc_->Shutdown(kGrace);
    calls_ended_.Notify();
  });
  enter("writing the last snapshots");
  last_snapshots_->Take(grace_end + absl::ToChronoNanoseconds(kLastSnapshotsTime / 2),
                        grace_end + absl::ToChronoNanoseconds(kLastSnapshotsTime));
  std::vector<LostRecords> lost = Lost();
  if (endpoints_written_) std::remove(options_.endpoints_file.c_str());
  EndCalls(enter);
  spdlog::info("event=stopped");
  return lost;
}

Server::~Server() {
  if (!drained_) Drain([](std::string_view) {});
}

}  // namespace freshet
