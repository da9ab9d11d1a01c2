// Where the lines of the server's own log go: standard error, without ever waiting long for whoever
// reads it.

#ifndef FRESHET_SERVER_LOG_OUTPUT_H_
#define FRESHET_SERVER_LOG_OUTPUT_H_

#include <spdlog/sinks/sink.h>

#include <memory>

namespace freshet {

// Writes lines to a file descriptor. Where it is a pipe, a socket or a terminal that nobody reads,
// the first line waits a second; those that come then are dropped until it takes some again, and
// how many they were is a line of its own. So a reader that hangs holds up neither calls nor the
// end of the process, whose threads all log. Thread-safe. Keeps `fd` and does not close it.
std::shared_ptr<spdlog::sinks::sink> MakeLogOutput(int fd);

}  // namespace freshet

#endif  // FRESHET_SERVER_LOG_OUTPUT_H_
