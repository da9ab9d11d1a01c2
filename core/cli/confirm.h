// The question before a command destroys something.

#ifndef FRESHET_CORE_CLI_CONFIRM_H_
#define FRESHET_CORE_CLI_CONFIRM_H_

#include <string_view>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"

namespace freshet {

// Adds --yes, which sets `yes`: the command then does not ask. `yes` must outlive the parsing.
void AddYesFlag(CLI::App& command, bool& yes);

// Whether the command should ask: without --yes, and only on a terminal, so that scripts do not
// wait for an answer that never comes.
bool ShouldAsk(bool yes);

// Prints `consequence`, if any, and "go on? [y/N] " to standard error and reads the answer from
// standard input. CANCELLED unless it is y or yes.
absl::Status AskToGoOn(std::string_view consequence = "");

}  // namespace freshet

#endif  // FRESHET_CORE_CLI_CONFIRM_H_
