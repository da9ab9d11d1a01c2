// freshet snapshots export and import: snapshots as files.

#ifndef FRESHET_CLIENT_COMMAND_SNAPSHOT_FILE_COMMANDS_H_
#define FRESHET_CLIENT_COMMAND_SNAPSHOT_FILE_COMMANDS_H_

#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "client/client.h"
#include "client/command/command.h"

namespace freshet {

// Adds both subcommands to `freshet snapshots`, under the same rules as the functions in command.h.
void AddSnapshotFileCommands(CLI::App& snapshots, CommandContext& context);

// Imports the snapshot file at `path`; `-` is standard input. Errors that are the file's fault name
// it. Other errors are those of Client::ImportSnapshot().
absl::StatusOr<v1::Snapshot> ImportSnapshotFile(const Client& client, const std::string& model,
                                                const std::string& path,
                                                const ImportOptions& options);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_SNAPSHOT_FILE_COMMANDS_H_
