#include "tests/support/terminal.h"

#include <gtest/gtest.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

namespace freshet {

CommandResult RunOnTerminal(std::vector<std::string> arguments, const std::string& prompt,
                            const std::string& answer) {
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (std::string& word : arguments) argv.push_back(word.data());
  argv.push_back(nullptr);
  int terminal = -1;
  const pid_t pid = forkpty(&terminal, nullptr, nullptr, nullptr);
  if (pid == 0) {
    execv(argv[0], argv.data());
    _exit(127);
  }
  CommandResult result;
  bool answered = false;
  std::array<char, 512> piece{};
  // Ends with an error once no process has the other end open.
  for (ssize_t size = 0; (size = read(terminal, piece.data(), piece.size())) > 0;) {
    result.out.append(piece.data(), static_cast<size_t>(size));
    if (answered || result.out.find(prompt) == std::string::npos) continue;
    answered = true;
    EXPECT_EQ(write(terminal, answer.data(), answer.size()), static_cast<ssize_t>(answer.size()));
  }
  int status = 0;
  waitpid(pid, &status, 0);
  close(terminal);
  result.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

}  // namespace freshet
