#include "server/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <thread>
#include <utility>

#include "absl/time/clock.h"
#include "core/base/str_cat.h"
#include "server/file/file_system.h"
#include "server/file/small_file.h"
#include "server/version.h"

namespace freshet {
namespace {

// Calls that have not ended this long after the drain are cut off. Connections of idle clients last
// as long, since they may be slow to notice.
constexpr absl::Duration kGrace = absl::Milliseconds(500);

constexpr int kIoThreads = 2;

// Logs that may wait for the disk at the same time.
constexpr int kLoggerThreads = 4;

int LearnerThreads(const ServerOptions& options) {
  if (options.learner_threads != 0) return static_cast<int>(options.learner_threads);
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options) {
  std::unique_ptr<Server> server(new Server);
  server->drained_ = true;  // Nothing to drain until it listens.
  absl::StatusOr<std::unique_ptr<DataDir>> data_dir =
      DataDir::Open(PosixFileSystem(), options.data_dir);
  if (!data_dir.ok()) return data_dir.status();
  server->data_dir_ = *std::move(data_dir);
  server->io_ = std::make_unique<WorkerPool>("io", kIoThreads);
  server->loggers_ = std::make_unique<WorkerPool>("logger", kLoggerThreads);
  server->learners_ = std::make_unique<WorkerPool>("learner", LearnerThreads(options));
  server->environment_ = std::make_unique<RuntimeEnvironment>(
      RuntimeEnvironment{.data_dir = *server->data_dir_,
                         .learners = *server->learners_,
                         .loggers = *server->loggers_,
                         .io = *server->io_,
                         .clock = [] { return absl::Now(); },
                         .keep_snapshot_count = options.keep_snapshot_count,
                         .log_segment_bytes = options.log_segment_bytes,
                         .max_queue_bytes = options.max_queue_bytes,
                         .max_models = options.max_models,
                         .server_version = kVersion});
  absl::StatusOr<std::unique_ptr<ModelRegistry>> registry =
      ModelRegistry::Open(*server->environment_);
  if (!registry.ok()) return registry.status();
  server->registry_ = *std::move(registry);
  if (absl::Status status = server->Listen(options); !status.ok()) return status;
  server->drained_ = false;
  if (options.snapshot_interval_s > 0) {
    server->snapshot_timer_ = std::make_unique<SnapshotTimer>(
        *server->registry_, absl::Seconds(options.snapshot_interval_s));
  }
  spdlog::info("event=serving version={} grpc={} data_dir={} models={} learner_threads={} pid={}",
               kVersion, server->address_, options.data_dir, server->registry_->models()->size(),
               LearnerThreads(options), getpid());
  if (!options.endpoints_file.empty()) {
    const std::string endpoints =
        StrCat("{\"grpc\":\"", server->address_, "\",\"pid\":", getpid(), "}\n");
    absl::Status status = WriteFileAtomically(PosixFileSystem(), options.endpoints_file, endpoints);
    if (!status.ok()) return status;
    server->endpoints_file_ = options.endpoints_file;
  }
  return server;
}

absl::Status Server::Listen(const ServerOptions& options) {
  const BatchLimits limits{.max_examples = options.max_batch_examples,
                           .max_example_features = options.max_example_features};
  model_service_ = std::make_unique<ModelServiceImpl>(*registry_, *io_);
  learning_service_ =
      std::make_unique<LearningServiceImpl>(*registry_, limits, options.max_streams);

  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(options.listen, grpc::InsecureServerCredentials(), &port);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // Two servers on one port: an error.
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.max_message_bytes));
  builder.RegisterService(model_service_.get());
  builder.RegisterService(learning_service_.get());
  grpc_server_ = builder.BuildAndStart();
  if (grpc_server_ == nullptr || port == 0) {
    return absl::UnavailableError(
        StrCat("cannot listen on ", options.listen,
               "; is another server running there? choose another address with --listen"));
  }
  address_ = StrCat(options.listen.substr(0, options.listen.rfind(':')), ":", port);
  return absl::OkStatus();
}

void Server::Drain() {
  drained_ = true;
  spdlog::info("event=draining");
  snapshot_timer_.reset();
  if (grpc::HealthCheckServiceInterface* health = grpc_server_->GetHealthCheckService()) {
    health->SetServingStatus(false);
  }
  learning_service_->EndStreams(
      absl::UnavailableError("the server is stopping; send again what was not acknowledged"));
  learning_service_->AwaitNoStreams();
  grpc_server_->Shutdown(absl::ToChronoTime(absl::Now() + kGrace));
  SnapshotAll(*registry_, v1::SNAPSHOT_TRIGGER_SHUTDOWN);
  // A log that cannot be written is given up, so that the process can end; what is not in it was
  // not acknowledged.
  for (const auto& [id, model] : *registry_->models()) {
    model->pipeline().Close(absl::UnavailableError("the server is stopping"), [] {});
  }
  if (!endpoints_file_.empty()) std::remove(endpoints_file_.c_str());
  spdlog::info("event=stopped");
}

Server::~Server() {
  if (!drained_) Drain();
  grpc_server_.reset();
  // Tasks under way hold models, and pass work on: learners to io, loggers to learners and io.
  loggers_.reset();
  learners_.reset();
  io_.reset();
}

}  // namespace freshet
