// freshetd: the server.

#include <grpc/support/log.h>
#include <malloc.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/time/time.h"
#include "core/base/json_object.h"
#include "core/base/str_cat.h"
#include "core/cli/confirm.h"
#include "core/cli/help_command.h"
#include "core/cli/man_command.h"
#include "core/cli/usage_error.h"
#include "server/command_check.h"
#include "server/command_health.h"
#include "server/command_token.h"
#include "server/file/file_system.h"
#include "server/log_output.h"
#include "server/net/descriptor_limit.h"
#include "server/process_end.h"
#include "server/server.h"
#include "server/signal_thread.h"
#include "server/thread/worker_pool.h"
#include "server/version.h"

namespace freshet {
namespace {

constexpr int kExitUsage = 64;        // EX_USAGE
constexpr int kExitDamaged = 65;      // EX_DATAERR
constexpr int kExitIo = 74;           // EX_IOERR
constexpr int kExitUnavailable = 69;  // EX_UNAVAILABLE
constexpr int kExitConfig = 78;       // EX_CONFIG

struct Flags {
  std::string config;
  v1::ServerConfig overrides;  // Only the fields whose flag was given.
  std::string checked_path;    // Of check.
  RepairRequest repair;        // Of repair.
  bool repair_unasked = false;
  NewToken new_token;    // Of token.
  double timeout_s = 4;  // Of health.
};

// The environment variable that stands for a flag: FRESHETD_DATA_DIR for --data-dir.
std::string VariableOf(std::string flag) {
  flag = absl::AsciiStrToUpper(flag.substr(2));
  std::replace(flag.begin(), flag.end(), '-', '_');
  return "FRESHETD_" + flag;
}

void DeclareFlags(CLI::App& app, Flags& flags) {
  const auto text = [&](const std::string& name, const std::string& type, auto set,
                        const std::string& help) {
    app.add_option_function<std::string>(
           name, [&flags, set](const std::string& value) { set(flags.overrides, value); }, help)
        ->take_last()
        ->type_name(type)
        ->envname(VariableOf(name));
  };
  app.set_version_flag("--version", std::string("freshetd ") + kVersion);
  app.add_option("--config", flags.config,
                 "Configuration in Protobuf text format; every field is documented in "
                 "proto/freshet/v1/server_config.proto")
      ->type_name("FILE")
      ->envname(VariableOf("--config"));
  text(
      "--listen", "ADDRESS", [](auto& c, const auto& v) { c.set_listen(v); },
      "host:port or unix:PATH of the gRPC endpoint; port 0 takes a free one [127.0.0.1:7400]");
  text(
      "--http", "ADDRESS", [](auto& c, const auto& v) { c.set_http(v); },
      "host:port of the HTTP endpoint, with metrics and probes; port 0 takes a free one; off: none "
      "[127.0.0.1:7401]");
  text(
      "--data-dir", "FOLDER", [](auto& c, const auto& v) { c.set_data_dir(v); },
      "Folder of models and snapshots [./freshet-data]");
  text(
      "--endpoints-file", "FILE", [](auto& c, const auto& v) { c.set_endpoints_file(v); },
      "Where to write the endpoints as JSON once ready");
  text(
      "--tls-cert", "PEM", [](auto& c, const auto& v) { c.mutable_tls()->set_certificate_file(v); },
      "The server's certificate and its chain, in PEM; encrypts both endpoints");
  text(
      "--tls-key", "PEM", [](auto& c, const auto& v) { c.mutable_tls()->set_key_file(v); },
      "The private key of that certificate, in PEM");
  text(
      "--tls-client-ca", "PEM",
      [](auto& c, const auto& v) { c.mutable_tls()->set_client_ca_file(v); },
      "CA certificates for clients, in PEM; clients then need a certificate that leads to one");
  text(
      "--token-file", "FILE", [](auto& c, const auto& v) { c.mutable_auth()->set_token_file(v); },
      "File of tokens made by 'freshetd token'; clients then need a token");
  app.add_flag_callback(
         "--insecure", [&flags] { flags.overrides.set_insecure(true); },
         "Allow listening beyond loopback without encryption or tokens")
      ->envname(VariableOf("--insecure"));
  app.add_flag_callback(
         "--strict", [&flags] { flags.overrides.set_strict(true); },
         "Refuse to start if a model cannot be recovered; without it the other models are served")
      ->envname(VariableOf("--strict"));
  text(
      "--log-level", "LEVEL", [](auto& c, const auto& v) { c.set_log_level(v); },
      "trace, debug, info, warning, error or off [info]");
}

void DeclareCommands(CLI::App& app, Flags& flags) {
  app.require_subcommand(0, 1);
  CLI::App* check = app.add_subcommand(
      "check",
      "Read every byte of the models and name what is damaged, and the ways out; changes nothing");
  check->add_option("path", flags.checked_path, "A data folder, or the folder of one model in it")
      ->type_name("PATH")
      ->required();
  CLI::App* repair = app.add_subcommand(
      "repair",
      "Carry out the way out that 'freshetd check' names; what it removes is kept in removed/");
  repair
      ->add_option(
          "path", flags.repair.path,
          "The folder of a model, or a data folder. In a data folder with several models, a "
          "repair that would lose records is left out")
      ->type_name("PATH")
      ->required();
  repair
      ->add_option("--truncate-at", flags.repair.truncate_at,
                   "Cut a damaged log off before this offset; 'freshetd check' names the one that "
                   "loses least, which is the default")
      ->type_name("OFFSET");
  AddYesFlag(*repair, flags.repair_unasked);
  CLI::App* health = app.add_subcommand(
      "health",
      "Ask the server that runs with the same flags whether it serves; exits with 0 if so. For "
      "probes: it needs no token");
  health->fallthrough();
  health->add_option("--timeout", flags.timeout_s, "Seconds to wait for an answer [4]")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.1, 3600.0));
  CLI::App* token = app.add_subcommand(
      "token", "Make a token: its secret, and its entry for the file that auth.token_file names");
  token->add_option("name", flags.new_token.name, "Who the token is for; appears in logs")
      ->type_name("NAME")
      ->required();
  token
      ->add_option("--role", flags.new_token.roles,
                   "read, predict, learn or admin; may be given several times")
      ->type_name("ROLE")
      ->required()
      ->allow_extra_args(false);
  token
      ->add_option(
          "--models", flags.new_token.models,
          "A model id, or the beginning of ids followed by *; may be given several times [all]")
      ->type_name("ID")
      ->allow_extra_args(false);
  token
      ->add_option("--file", flags.new_token.file,
                   "Add the token to this file and print only the secret")
      ->type_name("FILE");
  AddHelpCommand(app);
  AddManCommand(app, 8, StrCat("freshetd ", kVersion));
}

absl::StatusOr<ServerOptions> ReadOptions(const Flags& flags) {
  v1::ServerConfig config;
  if (!flags.config.empty()) {
    absl::StatusOr<v1::ServerConfig> file = ReadServerConfig(flags.config);
    if (!file.ok()) return file.status();
    config = *std::move(file);
  }
  config.MergeFrom(flags.overrides);  // Flags win.
  return MakeServerOptions(config);
}

void SetUpLogging(const std::string& level) {
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("freshetd", MakeLogOutput(STDERR_FILENO)));
  spdlog::set_pattern("time=%Y-%m-%dT%H:%M:%S.%eZ level=%l %v", spdlog::pattern_time_type::utc);
  spdlog::set_level(spdlog::level::from_str(level));
}

// gRPC's own messages become log lines. They are ignored while the server starts, because the
// status of a failed start says more.
void IgnoreGrpcMessage(gpr_log_func_args* /*message*/) {}
void LogGrpcMessage(gpr_log_func_args* message) {
  const bool is_error = message->severity == GPR_LOG_SEVERITY_ERROR;
  spdlog::log(is_error ? spdlog::level::warn : spdlog::level::debug, "event=grpc message={}",
              JsonString(message->message));
}

int Fail(int code, const std::string& message) {
  std::fprintf(stderr, "freshetd: %s\n", message.c_str());
  return code;
}

int ExitCodeOf(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsNotFound(status) ? kExitConfig
                                                                     : kExitUnavailable;
}

// The exit code of a command: `code`, or kExitIo if the command succeeded but its output could not
// be written.
int End(int code) {
  const bool written = static_cast<bool>(std::cout.flush()) && std::fflush(stdout) == 0;
  return written || code != EXIT_SUCCESS ? code : Fail(kExitIo, "cannot write to stdout");
}

int Check(const std::string& path) {
  const absl::StatusOr<bool> good = RunCheck(PosixFileSystem(), path, std::cout);
  if (!good.ok()) return Fail(ExitCodeOf(good.status()), std::string(good.status().message()));
  return *good ? EXIT_SUCCESS : kExitDamaged;
}

int Repair(RepairRequest request, bool unasked) {
  if (ShouldAsk(unasked)) request.confirm = [] { return AskToGoOn(); };
  const absl::StatusOr<bool> good = RunRepair(PosixFileSystem(), request, std::cout);
  if (!good.ok()) return Fail(ExitCodeOf(good.status()), std::string(good.status().message()));
  return *good ? EXIT_SUCCESS : kExitDamaged;
}

int MakeTokenCommand(const NewToken& token) {
  const absl::Status status = MakeToken(token, std::cout);
  if (status.ok()) return EXIT_SUCCESS;
  return Fail(absl::IsInvalidArgument(status) ? kExitUsage : kExitUnavailable,
              std::string(status.message()));
}

int Health(const Flags& flags) {
  const absl::StatusOr<ServerOptions> options = ReadOptions(flags);
  if (!options.ok()) return Fail(kExitConfig, std::string(options.status().message()));
  const absl::Status status = AskHealth(*options, absl::Seconds(flags.timeout_s));
  return status.ok() ? EXIT_SUCCESS : Fail(kExitUnavailable, std::string(status.message()));
}

// Reads the configuration again and applies it; called on SIGHUP.
void Reload(const Flags& flags, ProcessEnd& end) {
  spdlog::info("event=signal signal=SIGHUP");
  const absl::StatusOr<ServerOptions> options = ReadOptions(flags);
  if (!options.ok()) {
    spdlog::error("event=config_not_reloaded error={}; the old configuration stays in force",
                  JsonString(ToStd(options.status().message())));
  } else if (Server* const server = end.server()) {
    server->Reconfigure(*options);
  }
}

int ReportLost(const std::vector<LostRecords>& lost) {
  if (lost.empty()) return EXIT_SUCCESS;
  for (const LostRecords& model : lost) {
    spdlog::error("event=lost model={} records={} examples={} error={}", model.model,
                  model.record_count, model.example_count, JsonString(model.reason));
  }
  return Fail(kExitLost,
              StrCat("acknowledged examples are lost, since their models could not be saved: ",
                     DescribeLost(lost),
                     "; earlier snapshots are good: push again what came after them. A model "
                     "with durability NONE is saved by snapshots alone; OS and FSYNC keep a log"));
}

// Serves until the process is told to stop, then drains. `follower` is the pool that carries out
// signals.
int RunServer(const ServerOptions& options, WorkerPool& follower, ProcessEnd& end) {
  gpr_set_log_function(&IgnoreGrpcMessage);
  absl::StatusOr<std::unique_ptr<Server>> started = Server::Start(options);
  if (!started.ok()) {
    return Fail(ExitCodeOf(started.status()), std::string(started.status().message()));
  }
  gpr_set_log_function(&LogGrpcMessage);
  std::unique_ptr<Server> server = *std::move(started);
  end.SetServer(server.get());
  end.Enter("recovering the models");
  const absl::Status recovered = server->Recover();
  const bool serves = recovered.ok() || absl::IsCancelled(recovered);
  std::vector<LostRecords> lost;
  if (serves) {
    end.AwaitStop();
    lost = server->Drain([&end](std::string_view step) { end.Enter(step); });
  }
  end.Enter("waiting for the configuration to be read");
  WorkerPool::EndAll(std::array<WorkerPool*, 1>{&follower});
  end.SetLost(lost);
  end.Enter("closing files");
  server.reset();
  return serves ? ReportLost(lost) : Fail(ExitCodeOf(recovered), std::string(recovered.message()));
}

// Runs the server and handles signals: SIGTERM and SIGINT stop it, a second one ends the process at
// once, and SIGHUP reads the configuration again.
int Serve(const ServerOptions& options, const Flags& flags) {
  SignalThread::BlockSignals();
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);  // A write beyond the file size limit fails like one on a full disk.
  ProcessEnd end(options.drain_grace_s);
  WorkerPool follower("follower", 1);
  const SignalThread signals(
      {.reload = [&] { follower.Post([&flags, &end] { Reload(flags, end); }); },
       .stop =
           [&](int signal) {
             follower.Post([signal] {
               spdlog::info("event=signal signal={}", signal == SIGTERM ? "SIGTERM" : "SIGINT");
             });
             return end.Stop();
           },
       .overdue = [&] { return end.Overdue(); }});
  return RunServer(options, follower, end);
}

// Makes the C library keep freed memory. Batches of megabytes come and go, and returning their
// memory to the system each time would cost a page clear and a TLB shootdown each time.
void KeepFreedMemory() {
  constexpr int kKeptBytes = 16 << 20;       // Per arena of the C library.
  constexpr int kOwnMappingBytes = 1 << 20;  // Larger blocks are always returned.
  mallopt(M_TRIM_THRESHOLD, kKeptBytes);
  mallopt(M_MMAP_THRESHOLD, kOwnMappingBytes);
  // Each arena keeps its own freed memory and does not share it, so there should be few arenas, yet
  // enough that many processors do not wait for each other. Small blocks are cached per thread.
  mallopt(M_ARENA_MAX, std::max(1, static_cast<int>(std::thread::hardware_concurrency()) / 2));
}

int Main(int argc, char** argv) {
  CLI::App app{
      "freshetd serves models that learn from a stream of events as they arrive.\n\n"
      "Start it without flags, then: freshet models create ctr; freshet push ctr events.vw",
      "freshetd"};
  Flags flags;
  DeclareFlags(app, flags);
  DeclareCommands(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {  // --help, --version.
      app.exit(error);
      return End(EXIT_SUCCESS);
    }
    Fail(kExitUsage, UsageError(app, error));
    return Fail(kExitUsage, StrCat("run '", HelpCommandLine(app), "' for help"));
  }
  if (app.got_subcommand("check")) return End(Check(flags.checked_path));
  if (app.got_subcommand("health")) return Health(flags);
  if (app.got_subcommand("repair")) return End(Repair(flags.repair, flags.repair_unasked));
  if (app.got_subcommand("token")) return End(MakeTokenCommand(flags.new_token));
  absl::StatusOr<ServerOptions> options = ReadOptions(flags);
  if (!options.ok()) return Fail(kExitConfig, std::string(options.status().message()));
  SetUpLogging(options->log_level);
  KeepFreedMemory();
  RaiseDescriptorLimit();
  return Serve(*options, flags);
}

}  // namespace
}  // namespace freshet

int main(int argc, char** argv) { return freshet::Main(argc, argv); }
