// A real freshetd in its own process on loopback, for tests.

#ifndef FRESHET_TESTS_SUPPORT_SERVER_PROCESS_H_
#define FRESHET_TESTS_SUPPORT_SERVER_PROCESS_H_

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/support/temporary_folder.h"

namespace freshet {

// How a process ended.
struct ExitState {
  int code = -1;    // The exit code; -1 if a signal ended it.
  int signal = 0;   // The signal that ended it; 0 if it exited.
  std::string log;  // What it wrote to standard error.
};

// Not thread-safe. The destructor kills the process if it still runs.
class ServerProcess {
 public:
  // Starts the server on `data_dir` and free ports, and waits until it serves. An error contains
  // what the server wrote to standard error. `environment` holds NAME=value and takes precedence
  // over the inherited environment.
  static absl::StatusOr<std::unique_ptr<ServerProcess>> Start(
      const std::string& data_dir, std::vector<std::string> flags = {},
      std::vector<std::string> environment = {});
  // The same in two steps, so that the process can be killed before it serves.
  static std::unique_ptr<ServerProcess> Launch(const std::string& data_dir,
                                               std::vector<std::string> flags = {},
                                               std::vector<std::string> environment = {});
  absl::Status AwaitServing();
  // Starts another program that takes --endpoints-file as freshetd does, and waits until it serves.
  static absl::StatusOr<std::unique_ptr<ServerProcess>> StartProgram(
      std::vector<std::string> arguments);
  // Waits until the server listens, which it does before it serves; sets the addresses.
  absl::Status AwaitListening();

  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // host:port of gRPC and of HTTP; http_address() is empty if HTTP is off.
  const std::string& address() const { return address_; }
  const std::string& http_address() const { return http_address_; }
  pid_t pid() const { return pid_; }

  void Signal(int signal) const;
  // Waits for the process to end. Kills it if it has not ended after `timeout`.
  ExitState Wait(absl::Duration timeout = absl::Seconds(60));
  // SIGTERM, then Wait().
  ExitState Stop();
  // SIGKILL, then Wait().
  ExitState Kill();

  // What the process has written to standard error so far.
  std::string Log() const;
  // Waits until Log() contains `text`. DEADLINE_EXCEEDED after a minute.
  absl::Status AwaitLog(const std::string& text) const;

 private:
  ServerProcess() = default;

  static std::unique_ptr<ServerProcess> LaunchProgram(std::vector<std::string> arguments,
                                                      std::vector<std::string> environment = {});
  // Waits until `done` returns true. Fails if the server ends first, or takes longer than a minute.
  absl::Status Await(const std::function<bool()>& done);
  std::string EndpointsPath() const;

  TemporaryFolder folder_;  // For the endpoints file and the log.
  std::string address_;
  std::string http_address_;
  pid_t pid_ = -1;
};

// Runs a command to its end. `input` becomes its standard input.
struct CommandResult {
  int code = -1;
  std::string out;
  std::string err;
};
CommandResult RunCommand(const std::vector<std::string>& arguments, const std::string& input = "");

// The folder that contains the programs under test.
std::string BinaryDir();

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_SERVER_PROCESS_H_
