// The sink of the server's own log: standard error, written without ever waiting long for its
// reader.

#ifndef FRESHET_SERVER_LOG_OUTPUT_H_
#define FRESHET_SERVER_LOG_OUTPUT_H_

#include <spdlog/sinks/sink.h>

#include <memory>

namespace freshet {

// Writes lines to a file descriptor. If that is a pipe, a socket or a terminal that nobody reads,
// the first line that does not fit waits for one second; the lines after it are dropped until the
// reader takes data again, and then one line says how many were dropped. So a reader that hangs
// delays neither calls nor the shutdown, whose threads all log. Thread-safe. Keeps `fd` and does
// not close it.
std::shared_ptr<spdlog::sinks::sink> MakeLogOutput(int fd);

}  // namespace freshet

#endif  // FRESHET_SERVER_LOG_OUTPUT_H_
