// freshet models update.

#ifndef FRESHET_CLIENT_COMMAND_MODELS_UPDATE_COMMAND_H_
#define FRESHET_CLIENT_COMMAND_MODELS_UPDATE_COMMAND_H_

#include "client/command/command.h"

namespace freshet {

// Adds the subcommand `update` to `freshet models`, under the same rules as the functions in
// command.h.
void AddModelsUpdateCommand(CLI::App& models, CommandContext& context);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_MODELS_UPDATE_COMMAND_H_
