// What all subcommands of freshet share.

#ifndef FRESHET_CLIENT_COMMAND_COMMAND_H_
#define FRESHET_CLIENT_COMMAND_COMMAND_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/client.h"

namespace freshet {

// The global options, and the subcommand that was chosen.
struct CommandContext {
  std::string server = "127.0.0.1:7400";
  bool json = false;  // Results on stdout as JSON.
  // Timeout of each request in seconds, at least 0.001. Also the timeout of connecting, if longer
  // than the default for that. Absent: the defaults of ClientOptions.
  std::optional<double> deadline_s;
  std::string token;       // The secret itself; wins over token_file.
  std::string token_file;  // The file to read it from. Both empty: no token.
  bool tls = false;        // Implied by a CA or certificate file in tls_files.
  ClientTls tls_files;

  // Set while the command line is parsed; run afterwards.
  std::function<absl::Status()> action;
};

// Adds a flag that takes one value and may be repeated. By default CLI11 gives a flag of vector
// type all the words that follow it, positional arguments included.
inline CLI::Option* AddRepeatedOption(CLI::App& app, const std::string& flag,
                                      std::vector<std::string>& values,
                                      const std::string& description) {
  return app.add_option(flag, values, description)->allow_extra_args(false);
}

// How to connect, as the global options say.
absl::StatusOr<ClientOptions> ConnectionOptions(const CommandContext& context);

// Connects as the global options say.
absl::StatusOr<std::unique_ptr<Client>> Connect(const CommandContext& context);

// Each adds one subcommand to `app`; when it is chosen it sets context.action. `context` and `app`
// must outlive the action.
void AddModelsCommand(CLI::App& app, CommandContext& context);
void AddPushCommand(CLI::App& app, CommandContext& context);
void AddPredictCommand(CLI::App& app, CommandContext& context);
void AddFeedbackCommand(CLI::App& app, CommandContext& context);
void AddEventsCommand(CLI::App& app, CommandContext& context);
void AddEvaluateCommand(CLI::App& app, CommandContext& context);
void AddSnapshotsCommand(CLI::App& app, CommandContext& context);
void AddDigestCommand(CLI::App& app, CommandContext& context);
void AddGenerateCommand(CLI::App& app, CommandContext& context);
void AddWatchCommand(CLI::App& app, CommandContext& context);
void AddExplainCommand(CLI::App& app, CommandContext& context);
void AddWeightsCommand(CLI::App& app, CommandContext& context);
void AddDiffCommand(CLI::App& app, CommandContext& context);
void AddCompletionCommand(CLI::App& app);
// The hidden command that the scripts of `completion` run.
void AddCompleteCommand(CLI::App& app, CommandContext& context);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_COMMAND_H_
