// Runs a program on a terminal, as people do.

#ifndef FRESHET_TESTS_SUPPORT_TERMINAL_H_
#define FRESHET_TESTS_SUPPORT_TERMINAL_H_

#include <string>
#include <vector>

#include "tests/support/server_process.h"

namespace freshet {

// Runs a command to its end on a terminal of its own, and types `answer` once `prompt` has appeared
// there. The result's `out` is all that the terminal shows; its `err` is empty.
CommandResult RunOnTerminal(std::vector<std::string> arguments, const std::string& prompt,
                            const std::string& answer);

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_TERMINAL_H_
