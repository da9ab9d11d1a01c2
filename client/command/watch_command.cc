// freshet watch.

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "client/command/command.h"
#include "client/command/stop_signal.h"
#include "client/command/text.h"
#include "client/command/watch_view.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

using Clock = std::chrono::steady_clock;

struct WatchArguments {
  std::string model;
  double interval_s = 1;
  uint64_t count = 0;  // Updates; 0: no limit.
};

size_t TerminalColumns() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

// Redraws lines in the same place on a terminal.
class Screen {
 public:
  void Draw(const std::vector<std::string>& lines) {
    if (line_count_ > 0) std::cout << "\x1b[" << line_count_ << "A";
    for (const std::string& line : lines) std::cout << "\r\x1b[K" << line << "\n";
    // Clear the rest, where an earlier, longer picture may have been.
    std::cout << "\x1b[J" << std::flush;
    line_count_ = lines.size();
  }

 private:
  size_t line_count_ = 0;
};

class Watch {
 public:
  Watch(const CommandContext& context, const Client& client, const WatchArguments& arguments)
      : json_(context.json),
        redraws_(!context.json && isatty(STDOUT_FILENO) != 0),
        client_(client),
        arguments_(arguments) {}

  absl::Status Run(const std::atomic<bool>& stop) {
    for (uint64_t i = 0; !stop; ++i) {
      const absl::StatusOr<v1::Model> model = client_.GetModel(arguments_.model);
      // Once the server has answered, wait for it through a restart. At first, fail at once.
      const bool goes_on = i > 0 && (absl::IsUnavailable(model.status()) ||
                                     absl::IsDeadlineExceeded(model.status()));
      if (!model.ok() && !goes_on) return model.status();
      Show(model);
      if (i + 1 == arguments_.count) break;
      Sleep(stop);
    }
    return absl::OkStatus();
  }

 private:
  void Show(const absl::StatusOr<v1::Model>& model) {
    const std::chrono::duration<double> now = Clock::now().time_since_epoch();
    if (model.ok()) view_.Add(now.count(), *model);
    const std::string trouble =
        model.ok() ? "" : StrCat(ToStd(model.status().message()), "; trying again");
    if (redraws_) {
      // Leave the last column free: some terminals wrap once it is written.
      const size_t width = TerminalColumns() - 1;
      std::vector<std::string> lines = view_.Picture(width);
      if (!model.ok()) lines.push_back(CutToWidth(Printable(trouble), width));
      screen_.Draw(lines);
    } else if (!model.ok()) {
      std::cerr << "freshet: " << trouble << "\n";
    } else {
      std::cout << (json_ ? view_.Json() : view_.Line()) << std::endl;
    }
  }

  void Sleep(const std::atomic<bool>& stop) {
    constexpr std::chrono::milliseconds kSlice(50);
    const std::chrono::duration<double> interval(arguments_.interval_s);
    due_ = std::max(due_ + std::chrono::duration_cast<Clock::duration>(interval), Clock::now());
    while (!stop && Clock::now() < due_) {
      std::this_thread::sleep_for(std::min<Clock::duration>(due_ - Clock::now(), kSlice));
    }
  }

  const bool json_;
  const bool redraws_;
  const Client& client_;
  const WatchArguments& arguments_;
  Clock::time_point due_ = Clock::now();  // When the next update is due.
  WatchView view_;
  Screen screen_;
};

absl::Status RunWatch(const CommandContext& context, const WatchArguments& arguments) {
  if (!(arguments.interval_s >= 0.05 && arguments.interval_s <= 86'400)) {
    return absl::InvalidArgumentError("--interval must be 0.05 to 86400 seconds");
  }
  const std::atomic<bool>& stop = CatchStopSignals();
  const auto client = Connect(context);
  if (!client.ok()) return client.status();
  return Watch(context, **client, arguments).Run(stop);
}

}  // namespace

void AddWatchCommand(CLI::App& app, CommandContext& context) {
  CLI::App* watch = app.add_subcommand("watch", "Watch a model learn, until Ctrl-C");
  watch->footer(
      "On a terminal, redraws figures in place; otherwise prints a line per update. With --json, "
      "prints\n"
      "a JSON object per update.\n"
      "Example: freshet watch ctr --interval 0.5");
  const auto arguments = std::make_shared<WatchArguments>();
  watch->add_option("model", arguments->model, "The model")->required()->type_name("MODEL");
  watch->add_option("--interval", arguments->interval_s, "Time between updates")
      ->type_name("SECONDS")
      ->capture_default_str();
  watch
      ->add_option("--count", arguments->count,
                   "Stop after this many updates (default: run until Ctrl-C)")
      ->type_name("N");
  watch->callback([&context, arguments] {
    context.action = [&context, arguments] { return RunWatch(context, *arguments); };
  });
}

}  // namespace freshet
