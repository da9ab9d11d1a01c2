#include "core/cli/confirm.h"

#include <unistd.h>

#include <iostream>
#include <string>

namespace freshet {

void AddYesFlag(CLI::App& command, bool& yes) {
  command.add_flag("-y,--yes", yes,
                   "Do not ask for confirmation; without it, asks if standard input is a terminal");
}

bool ShouldAsk(bool yes) { return !yes && isatty(STDIN_FILENO) != 0; }

absl::Status AskToGoOn(std::string_view consequence) {
  if (!consequence.empty()) std::cerr << consequence << "\n";
  std::cerr << "go on? [y/N] " << std::flush;
  std::string answer;
  if (!std::getline(std::cin, answer)) std::cerr << "\n";  // Ctrl-D leaves the cursor in the line.
  if (answer == "y" || answer == "yes") return absl::OkStatus();
  return absl::CancelledError("nothing was changed");
}

}  // namespace freshet
