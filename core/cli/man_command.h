// The hidden command `man`: prints the program's manual page. The build runs it, so that the page
// that is installed says the same as --help.

#ifndef FRESHET_CORE_CLI_MAN_COMMAND_H_
#define FRESHET_CORE_CLI_MAN_COMMAND_H_

#include <string>
#include <string_view>

#include "CLI/CLI.hpp"

namespace freshet {

// The manual page of `root` and all its commands for man(1), in roff. `section` is that of the
// manual, 1 or 8; `version` is for example "freshet 0.1.0".
std::string ManPage(const CLI::App& root, int section, std::string_view version);

// Adds the command to `root`. Parsing it prints ManPage() to std::cout and then throws
// CLI::Success, as --help does.
void AddManCommand(CLI::App& root, int section, std::string_view version);

}  // namespace freshet

#endif  // FRESHET_CORE_CLI_MAN_COMMAND_H_
