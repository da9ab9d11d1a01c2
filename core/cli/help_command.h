// The command `help`: `freshet help push` prints the same as `freshet push --help`.

#ifndef FRESHET_CORE_CLI_HELP_COMMAND_H_
#define FRESHET_CORE_CLI_HELP_COMMAND_H_

#include "CLI/CLI.hpp"

namespace freshet {

// Adds the command to `root`, which must have a name. Parsing it prints the help to std::cout and
// then throws CLI::Success, as --help does.
void AddHelpCommand(CLI::App& root);

}  // namespace freshet

#endif  // FRESHET_CORE_CLI_HELP_COMMAND_H_
