#ifndef FRESHET_CLIENT_COMMAND_MODELS_UPDATE_COMMAND_H_
#define FRESHET_CLIENT_COMMAND_MODELS_UPDATE_COMMAND_H_

#include "client/command/command.h"

namespace freshet {

// freshet models update
void AddModelsUpdateCommand(CLI::App& models, CommandContext& context);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_MODELS_UPDATE_COMMAND_H_
