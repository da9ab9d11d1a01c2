// Messages about a wrong command line.

#ifndef FRESHET_CORE_CLI_USAGE_ERROR_H_
#define FRESHET_CORE_CLI_USAGE_ERROR_H_

#include <string>
#include <string_view>

#include "CLI/CLI.hpp"

namespace freshet {

// What is wrong with the command line that `root` failed to parse with `error`. Suggests the option
// or command that was probably meant.
std::string UsageError(const CLI::App& root, const CLI::ParseError& error);

// "there is no command 'lsit' (did you mean 'list'?)": `word` is none of the commands of `parent`.
std::string NoSuchCommand(const CLI::App& parent, std::string_view word);

// The command line that prints the help of the innermost command recognised, for example
// "freshet push --help".
std::string HelpCommandLine(const CLI::App& root);

}  // namespace freshet

#endif  // FRESHET_CORE_CLI_USAGE_ERROR_H_
