// freshet generate conversions.

#ifndef FRESHET_CLIENT_COMMAND_GENERATE_CONVERSIONS_H_
#define FRESHET_CLIENT_COMMAND_GENERATE_CONVERSIONS_H_

#include "client/command/command.h"

namespace freshet {

// Adds the subcommand to `generate`; see AddGenerateCommand().
void AddGenerateConversions(CLI::App& generate, CommandContext& context);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_GENERATE_CONVERSIONS_H_
