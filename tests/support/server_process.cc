#include "tests/support/server_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/time/clock.h"
#include "core/base/str_cat.h"
#include "tests/support/file_text.h"

namespace freshet {
namespace {

// How often conditions outside this process are polled.
constexpr absl::Duration kPollInterval = absl::Milliseconds(5);

// The text between `key` and the next `end`; empty if either is missing (yet).
std::string Between(const std::string& text, const std::string& key, char end) {
  const size_t found = text.find(key);
  if (found == std::string::npos) return "";
  const size_t begin = found + key.size();
  const size_t length = text.find(end, begin);
  return length == std::string::npos ? "" : text.substr(begin, length - begin);
}

// Pointers to the texts, followed by a null, for execve(2), which does not write to the texts.
std::vector<char*> PointersTo(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Starts a program with its standard streams redirected to files; an empty path means /dev/null.
pid_t Spawn(const std::vector<std::string>& arguments, const std::string& in_path,
            const std::string& out_path, const std::string& err_path,
            std::vector<std::string> environment = {}) {
  const std::vector<char*> argv = PointersTo(arguments);
  // If a variable is set twice, the first one counts, so inherited variables come last.
  for (char** inherited = environ; *inherited != nullptr; ++inherited) {
    environment.emplace_back(*inherited);
  }
  const std::vector<char*> envp = PointersTo(environment);
  const pid_t pid = fork();
  if (pid != 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // If the test is killed, the server goes too.
  const auto redirect = [](const std::string& path, int flags, int to) {
    const int from = open(path.empty() ? "/dev/null" : path.c_str(), flags, 0600);
    if (from < 0 || dup2(from, to) < 0) _exit(126);
    close(from);
  };
  redirect(in_path, O_RDONLY, STDIN_FILENO);
  redirect(out_path, O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
  redirect(err_path, O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
  execve(argv[0], argv.data(), envp.data());
  _exit(127);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ServerProcess>> ServerProcess::Start(
    const std::string& data_dir, std::vector<std::string> flags,
    std::vector<std::string> environment) {
  std::unique_ptr<ServerProcess> server =
      Launch(data_dir, std::move(flags), std::move(environment));
  if (absl::Status status = server->AwaitServing(); !status.ok()) return status;
  return server;
}

std::unique_ptr<ServerProcess> ServerProcess::Launch(const std::string& data_dir,
                                                     std::vector<std::string> flags,
                                                     std::vector<std::string> environment) {
  std::vector<std::string> arguments = {BinaryDir() + "/freshetd", "--listen=127.0.0.1:0",
                                        "--http=127.0.0.1:0", "--data-dir=" + data_dir};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  return LaunchProgram(std::move(arguments), std::move(environment));
}

absl::StatusOr<std::unique_ptr<ServerProcess>> ServerProcess::StartProgram(
    std::vector<std::string> arguments) {
  std::unique_ptr<ServerProcess> server = LaunchProgram(std::move(arguments));
  if (absl::Status status = server->AwaitServing(); !status.ok()) return status;
  return server;
}

std::unique_ptr<ServerProcess> ServerProcess::LaunchProgram(std::vector<std::string> arguments,
                                                            std::vector<std::string> environment) {
  std::unique_ptr<ServerProcess> server(new ServerProcess);
  arguments.push_back("--endpoints-file=" + server->EndpointsPath());
  server->pid_ = Spawn(arguments, "", "", server->folder_.path() + "/log", std::move(environment));
  return server;
}

absl::Status ServerProcess::AwaitServing() {
  const auto written = [this] { return std::filesystem::exists(EndpointsPath()); };
  if (absl::Status status = Await(written); !status.ok()) return status;
  const std::string json = FileText(EndpointsPath());
  address_ = Between(json, R"("grpc":")", '"');
  http_address_ = Between(json, R"("http":")", '"');
  return absl::OkStatus();
}

absl::Status ServerProcess::AwaitListening() {
  std::string line;
  const auto listens = [&] {
    line = Between(Log(), "event=listening", '\n');
    return !line.empty();
  };
  if (absl::Status status = Await(listens); !status.ok()) return status;
  line += ' ';
  address_ = Between(line, " grpc=", ' ');
  http_address_ = Between(line, " http=", ' ');
  return absl::OkStatus();
}

absl::Status ServerProcess::Await(const std::function<bool()>& done) {
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  while (!done()) {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      return absl::UnavailableError(
          StrCat("the server ended with ", WEXITSTATUS(status), ": ", Log()));
    }
    if (absl::Now() > deadline) return absl::DeadlineExceededError(Log());
    absl::SleepFor(kPollInterval);
  }
  return absl::OkStatus();
}

ServerProcess::~ServerProcess() {
  if (pid_ > 0) Kill();
}

void ServerProcess::Signal(int signal) const {
  if (pid_ > 0) kill(pid_, signal);
}

ExitState ServerProcess::Wait(absl::Duration timeout) {
  ExitState state;
  const absl::Time deadline = absl::Now() + timeout;
  int status = 0;
  while (waitpid(pid_, &status, WNOHANG) == 0) {
    if (absl::Now() > deadline) kill(pid_, SIGKILL);
    absl::SleepFor(kPollInterval);
  }
  pid_ = -1;
  if (WIFEXITED(status)) state.code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) state.signal = WTERMSIG(status);
  state.log = Log();
  return state;
}

ExitState ServerProcess::Stop() {
  Signal(SIGTERM);
  return Wait();
}

ExitState ServerProcess::Kill() {
  Signal(SIGKILL);
  return Wait();
}

std::string ServerProcess::EndpointsPath() const { return folder_.path() + "/endpoints.json"; }

absl::Status ServerProcess::AwaitLog(const std::string& text) const {
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  while (Log().find(text) == std::string::npos) {
    if (absl::Now() > deadline) {
      return absl::DeadlineExceededError(StrCat("no \"", text, "\" in the log: ", Log()));
    }
    absl::SleepFor(kPollInterval);
  }
  return absl::OkStatus();
}

std::string ServerProcess::Log() const { return FileText(folder_.path() + "/log"); }

CommandResult RunCommand(const std::vector<std::string>& arguments, const std::string& input) {
  const TemporaryFolder folder;
  const std::string in_path = folder.path() + "/in";
  std::ofstream(in_path) << input;
  const pid_t pid = Spawn(arguments, in_path, folder.path() + "/out", folder.path() + "/err");
  int status = 0;
  waitpid(pid, &status, 0);
  CommandResult result;
  result.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.out = FileText(folder.path() + "/out");
  result.err = FileText(folder.path() + "/err");
  return result;
}

std::string BinaryDir() { return FRESHET_BINARY_DIR; }

}  // namespace freshet
