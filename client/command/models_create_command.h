// freshet models create.

#ifndef FRESHET_CLIENT_COMMAND_MODELS_CREATE_COMMAND_H_
#define FRESHET_CLIENT_COMMAND_MODELS_CREATE_COMMAND_H_

#include "CLI/CLI.hpp"
#include "client/command/command.h"

namespace freshet {

// Adds the subcommand `create` to `freshet models`, under the same rules as the functions in
// command.h.
void AddModelsCreateCommand(CLI::App& models, CommandContext& context);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_MODELS_CREATE_COMMAND_H_
