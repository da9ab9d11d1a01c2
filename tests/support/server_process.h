// A real freshetd in a process of its own, on loopback, for tests.

#ifndef FRESHET_TESTS_SUPPORT_SERVER_PROCESS_H_
#define FRESHET_TESTS_SUPPORT_SERVER_PROCESS_H_

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/support/temporary_folder.h"

namespace freshet {

// What became of a process.
struct ExitState {
  int code = -1;    // Where it exited; else -1.
  int signal = 0;   // Where a signal ended it; else 0.
  std::string log;  // What it wrote to standard error.
};

// Not thread-safe. Kills the process, if it still runs, when destroyed.
class ServerProcess {
 public:
  // Starts the server on `data_dir` and free ports, and waits until it serves. An error holds what
  // it wrote to standard error. `environment` is of NAME=value, and added to what it inherits.
  static absl::StatusOr<std::unique_ptr<ServerProcess>> Start(
      const std::string& data_dir, std::vector<std::string> flags = {},
      std::vector<std::string> environment = {});
  // The same in two steps: the process runs, and may be killed before it serves.
  static std::unique_ptr<ServerProcess> Launch(const std::string& data_dir,
                                               std::vector<std::string> flags = {},
                                               std::vector<std::string> environment = {});
  absl::Status AwaitServing();
  // Starts another program that takes --endpoints-file as freshetd does, and waits until it serves.
  static absl::StatusOr<std::unique_ptr<ServerProcess>> StartProgram(
      std::vector<std::string> arguments);
  // Waits until it listens, which it does before it serves; sets the addresses.
  absl::Status AwaitListening();

  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // host:port of gRPC and of HTTP; the latter is empty where there is none.
  const std::string& address() const { return address_; }
  const std::string& http_address() const { return http_address_; }
  pid_t pid() const { return pid_; }

  // Sends a signal.
  void Signal(int signal) const;
  // Waits for the end, at most `timeout`; kills what has not ended by then.
  ExitState Wait(absl::Duration timeout = absl::Seconds(60));
  // SIGTERM, then Wait().
  ExitState Stop();
  // SIGKILL, then Wait().
  ExitState Kill();

  // What it wrote to standard error so far.
  std::string Log() const;

 private:
  ServerProcess() = default;

  static std::unique_ptr<ServerProcess> LaunchProgram(std::vector<std::string> arguments,
                                                      std::vector<std::string> environment = {});
  // Waits until `done`; an error where the server ends, or takes too long.
  absl::Status Await(const std::function<bool()>& done);
  std::string EndpointsPath() const;

  TemporaryFolder folder_;  // For the endpoints file and the log.
  std::string address_;
  std::string http_address_;
  pid_t pid_ = -1;
};

// Runs a command to its end and returns its exit code and what it wrote. `input` goes to its
// standard input.
struct CommandResult {
  int code = -1;
  std::string out;
  std::string err;
};
CommandResult RunCommand(const std::vector<std::string>& arguments, const std::string& input = "");

// The folder of the programs under test.
std::string BinaryDir();

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_SERVER_PROCESS_H_
