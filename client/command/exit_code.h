// The exit codes of freshet, in the one place that knows them.

#ifndef FRESHET_CLIENT_COMMAND_EXIT_CODE_H_
#define FRESHET_CLIENT_COMMAND_EXIT_CODE_H_

#include <string_view>

#include "absl/status/status.h"

namespace freshet {

// 0 for OK, else what <sysexits.h> has for it: 64 usage, 65 bad data, 66 no such file, model or
// snapshot, 69 server unavailable, 70 internal, 73 already exists, 74 input or output failed, 75
// try again later, 77 permission, 78 the state of things forbids it.
int ExitCode(const absl::Status& status);

// Bad input data, which ExitCode() makes 65.
absl::Status DataError(std::string_view message);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_EXIT_CODE_H_
