#include "client/command/live_view.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <thread>

#include "client/command/text.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

using Clock = std::chrono::steady_clock;

struct TerminalSize {
  size_t columns = 80;
  size_t rows = 24;
};

TerminalSize SizeOfTerminal() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
    return {};
  }
  return {.columns = size.ws_col, .rows = size.ws_row};
}

// Redraws lines in the same place on a terminal.
class Screen {
 public:
  // Lines that do not fit are left out, since the cursor cannot return to lines that have scrolled
  // away.
  void Draw(std::vector<std::string> lines) {
    const size_t most = std::max<size_t>(SizeOfTerminal().rows, 3) - 1;
    if (lines.size() > most) {
      const size_t left_out = lines.size() - most + 1;
      lines.resize(most - 1);
      lines.push_back(StrCat("(", left_out, " more lines)"));
    }
    if (line_count_ > 0) std::cout << "\x1b[" << line_count_ << "A";
    for (const std::string& line : lines) std::cout << "\r\x1b[K" << line << "\n";
    // Clear the rest, where an earlier, longer picture may have been.
    std::cout << "\x1b[J" << std::flush;
    line_count_ = lines.size();
  }

 private:
  size_t line_count_ = 0;
};

// `trouble` is what the latest update failed with; empty: it did not fail.
void Show(const LiveView& view, const std::string& trouble, Screen* screen) {
  if (screen != nullptr) {
    // Leave the last column free: some terminals wrap once it is written.
    const size_t width = SizeOfTerminal().columns - 1;
    std::vector<std::string> lines = view.Picture(width);
    if (!trouble.empty()) lines.push_back(CutToWidth(Printable(trouble), width));
    screen->Draw(std::move(lines));
  } else if (!trouble.empty()) {
    std::cerr << "freshet: " << trouble << "\n";
  } else {
    std::cout << view.Text() << std::flush;
  }
}

}  // namespace

std::vector<CLI::Option*> AddLiveOptions(CLI::App& command, LiveOptions& options) {
  CLI::Option* interval =
      command.add_option("--interval", options.interval_s, "Time between updates")
          ->type_name("SECONDS")
          ->capture_default_str();
  CLI::Option* count = command
                           .add_option("--count", options.count,
                                       "Stop after this many updates (default: run until Ctrl-C)")
                           ->type_name("N");
  return {interval, count};
}

absl::Status RunLive(LiveView& view, const LiveOptions& options, bool plain) {
  if (!(options.interval_s >= 0.05 && options.interval_s <= 86'400)) {
    return absl::InvalidArgumentError("--interval must be 0.05 to 86400 seconds");
  }
  const auto interval = std::chrono::duration_cast<Clock::duration>(
      std::chrono::duration<double>(options.interval_s));
  Screen screen;
  const bool redraws = !plain && isatty(STDOUT_FILENO) != 0;
  Clock::time_point due = Clock::now();
  for (uint64_t i = 0;; ++i) {
    const std::chrono::duration<double> now = Clock::now().time_since_epoch();
    absl::Status status = view.Update(now.count());
    const bool goes_on = i > 0 && (absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status));
    if (!status.ok() && !goes_on) return status;
    Show(view, status.ok() ? "" : StrCat(ToStd(status.message()), "; trying again"),
         redraws ? &screen : nullptr);
    // Output that nobody can read any more ends the command; its end reports the error.
    if (!std::cout || i + 1 == options.count) return absl::OkStatus();
    due = std::max(due + interval, Clock::now());
    std::this_thread::sleep_until(due);
  }
}

}  // namespace freshet
