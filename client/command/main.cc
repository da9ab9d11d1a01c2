// The freshet command.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "client/command/command.h"
#include "client/command/exit_code.h"
#include "client/command/settings_file.h"
#include "core/base/json_object.h"
#include "core/base/str_cat.h"
#include "core/cli/help_command.h"
#include "core/cli/man_command.h"
#include "core/cli/usage_error.h"
#include "google/protobuf/stubs/logging.h"

namespace freshet {
namespace {

constexpr char kVersion[] = "freshet " FRESHET_VERSION;

void AddGlobalOptions(CLI::App& app, CommandContext& context) {
  app.set_version_flag("--version", kVersion, "Print the version and exit");
  app.add_option(
         "--server", context.server,
         "Address of freshetd: host, host:port, [IPv6]:port or unix:PATH; the port is 7400 if it "
         "is left out")
      ->envname("FRESHET_SERVER")
      ->type_name("ADDRESS")
      ->capture_default_str();
  app.add_option("--token", context.token,
                 "Secret of an access token; prefer FRESHET_TOKEN or --token-file, since other "
                 "users of the machine can see flags")
      ->envname("FRESHET_TOKEN")
      ->configurable(false)
      ->type_name("SECRET");
  app.add_option("--token-file", context.token_file, "File that holds only the token's secret")
      ->envname("FRESHET_TOKEN_FILE")
      ->type_name("FILE");
  app.add_flag("--tls", context.tls, "Use TLS and trust the system's root certificates")
      ->envname("FRESHET_TLS");
  app.add_option("--tls-ca", context.tls_files.ca_file,
                 "Use TLS and trust the root certificates in this file")
      ->envname("FRESHET_TLS_CA")
      ->type_name("PEM");
  app.add_option("--tls-cert", context.tls_files.certificate_file,
                 "Client certificate, for servers that ask for one; implies --tls")
      ->envname("FRESHET_TLS_CERT")
      ->type_name("PEM");
  app.add_option("--tls-key", context.tls_files.key_file, "Private key of --tls-cert")
      ->envname("FRESHET_TLS_KEY")
      ->type_name("PEM");
  app.add_flag("--json", context.json,
               "Print results on stdout as JSON, and an error as the last line on stderr")
      ->envname("FRESHET_JSON");
  app.add_option("--deadline", context.deadline_s,
                 "Timeout of each request (default: 30). Connecting gets the same, but at least 5 "
                 "(default: 5)")
      ->envname("FRESHET_DEADLINE")
      ->type_name("SECONDS");
}

// Prints the error in `status`, if any, as text or as JSON, and returns the exit code.
int Report(const absl::Status& status, bool json) {
  if (!status.ok() && json) {
    std::cerr << JsonObject().AddJson("error", ErrorJson(status).ToString()).ToString() << "\n";
  } else if (!status.ok()) {
    std::cerr << "freshet: " << ToStd(status.message()) << "\n";
  }
  return ExitCode(status);
}

// Reports the end of a command. One that succeeded still fails if its output could not be written
// to stdout.
int End(const absl::Status& status, bool json) {
  const bool written = static_cast<bool>(std::cout.flush()) && std::fflush(stdout) == 0;
  if (status.ok() && !written) return Report(absl::UnknownError("cannot write to stdout"), json);
  return Report(status, json);
}

// Reports a command line that is wrong.
int EndUsage(const CLI::App& app, const CLI::ParseError& error) {
  const bool json = app.get_option("--json")->count() > 0;
  const int code = Report(absl::InvalidArgumentError(UsageError(app, error)), json);
  if (!json) std::cerr << "freshet: run '" << HelpCommandLine(app) << "' for help\n";
  return code;
}

// Completes the options from the settings file, and checks them together.
absl::Status CompleteOptions(CLI::App& app, CommandContext& context) {
  // --token-file wins over FRESHET_TOKEN: flags precede the environment.
  const std::vector<CLI::Option*>& flags = app.parse_order();
  const auto is_flag = [&](const char* name) {
    return std::find(flags.begin(), flags.end(), app.get_option(name)) != flags.end();
  };
  if (is_flag("--token-file") && !is_flag("--token")) context.token.clear();
  if (absl::Status status = ApplySettings(SettingsPath(), app); !status.ok()) return status;
  const double deadline_s = context.deadline_s.value_or(1);
  if (deadline_s >= 0.001 && deadline_s <= 1e9) return absl::OkStatus();
  return absl::InvalidArgumentError("--deadline must be at least 0.001 seconds");
}

int Main(int argc, char** argv) {
  // Silences gRPC's own log: errors are reported through the status of the calls.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  google::protobuf::SetLogHandler(nullptr);  // And Protobuf's.
  CommandContext context;
  CLI::App app{"freshet: push examples to freshetd, predict, and look after models.", "freshet"};
  app.require_subcommand(1);
  app.fallthrough();
  app.get_formatter()->column_width(34);
  app.footer(
      "Example:\n"
      "  freshet models create clicks\n"
      "  freshet generate clicks --rows 200000 | freshet push clicks -\n"
      "'freshet COMMAND --help' describes a command. The options above work with every command.\n"
      "Flags take precedence over the environment, and the environment over the settings file\n"
      "~/.config/freshet/config, whose lines are like 'server = localhost:7400'.");
  AddGlobalOptions(app, context);
  AddModelsCommand(app, context);
  AddPushCommand(app, context);
  AddPredictCommand(app, context);
  AddFeedbackCommand(app, context);
  AddEventsCommand(app, context);
  AddEvaluateCommand(app, context);
  AddSnapshotsCommand(app, context);
  AddWatchCommand(app, context);
  AddExplainCommand(app, context);
  AddWeightsCommand(app, context);
  AddDiffCommand(app, context);
  AddDigestCommand(app, context);
  AddGenerateCommand(app, context);
  AddCompletionCommand(app);
  AddCompleteCommand(app, context);
  AddHelpCommand(app);
  AddManCommand(app, 1, kVersion);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) return EndUsage(app, error);
    app.exit(error);  // --help, --version, help.
    return End(absl::OkStatus(), context.json);
  }
  absl::Status status = CompleteOptions(app, context);
  if (status.ok()) status = context.action();
  return End(status, context.json);
}

}  // namespace
}  // namespace freshet

int main(int argc, char** argv) { return freshet::Main(argc, argv); }
