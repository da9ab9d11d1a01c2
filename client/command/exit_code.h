// The exit codes of the freshet command. No other file knows them.

#ifndef FRESHET_CLIENT_COMMAND_EXIT_CODE_H_
#define FRESHET_CLIENT_COMMAND_EXIT_CODE_H_

#include <string_view>

#include "absl/status/status.h"

namespace freshet {

// The exit code for `status`: 0 for OK, else a code of <sysexits.h>: 64 wrong usage, 65 bad data,
// 66 no such file, model or snapshot, 69 server unavailable or the command was not confirmed
// (CANCELLED), 70 internal error, 73 already exists, 74 input or output failed, 75 try again later,
// 77 permission denied, 78 not possible in the current state (FAILED_PRECONDITION), 128 and the
// number of the signal for InterruptedError().
int ExitCode(const absl::Status& status);

// The error for bad input data, for which ExitCode() returns 65.
absl::Status DataError(std::string_view message);

// The end of a command that a signal stopped before it was done: 130 for SIGINT, 143 for SIGTERM.
absl::Status InterruptedError(int signal, std::string_view message);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_EXIT_CODE_H_
