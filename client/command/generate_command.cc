// freshet generate.

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include "client/command/command.h"
#include "client/command/generate_conversions.h"
#include "client/command/stop_signal.h"
#include "client/command/text.h"
#include "client/generate/click_generator.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

using Clock = std::chrono::steady_clock;

struct GenerateArguments {
  uint64_t rows = 0;  // 0: no limit.
  uint64_t skip = 0;  // Rows to leave out before the first.
  double rate = 0;    // Rows a second; 0: as fast as they are read.
  ClickGeneratorOptions generator;
};

constexpr size_t kWriteBytes = 32 << 10;
constexpr std::chrono::milliseconds kPaceInterval{20};

// Writes all of `text` to stdout. Returns false if the reader has closed the pipe, or if a signal
// interrupted the write.
absl::StatusOr<bool> Write(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) {
    return true;
  }
  if (errno == EPIPE || errno == EINTR) return false;
  return absl::ErrnoToStatus(errno, "cannot write to stdout");
}

// How many rows may have been written once `elapsed` has passed, by --rows and --rate.
uint64_t AllowedRows(const GenerateArguments& arguments, Clock::duration elapsed) {
  uint64_t rows = arguments.rows == 0 ? UINT64_MAX : arguments.rows;
  if (arguments.rate > 0) {
    const double seconds = std::chrono::duration<double>(elapsed + kPaceInterval).count();
    rows = std::min(rows, static_cast<uint64_t>(seconds * arguments.rate) + 1);
  }
  return rows;
}

absl::Status GenerateClicks(const GenerateArguments& arguments) {
  if (!(arguments.rate >= 0)) {
    return absl::InvalidArgumentError("--rate must be 0 or more rows a second");
  }
  std::signal(SIGPIPE, SIG_IGN);
  const std::atomic<bool>& stop = CatchStopSignals();
  ClickGenerator generator(arguments.generator);
  for (uint64_t row = 0; row < arguments.skip && !stop; ++row) generator.Next();
  double loss_sum = 0;
  uint64_t clicks = 0;
  uint64_t rows = 0;
  std::string text;
  const Clock::time_point start = Clock::now();
  while (!stop && (arguments.rows == 0 || rows < arguments.rows)) {
    const uint64_t allowed = AllowedRows(arguments, Clock::now() - start);
    if (rows >= allowed) {
      std::this_thread::sleep_for(kPaceInterval);
      continue;
    }
    text.clear();
    while (rows < allowed && text.size() < kWriteBytes) {
      const ClickEvent event = generator.Next();
      AppendVwLine(event, text);
      loss_sum -= std::log(event.clicked ? event.probability : 1 - event.probability);
      clicks += event.clicked ? 1 : 0;
      ++rows;
    }
    const absl::StatusOr<bool> written = Write(text);
    if (!written.ok()) return written.status();
    if (!*written) break;
  }
  if (rows == 0) return absl::OkStatus();
  const auto count = static_cast<double>(rows);
  const std::string summary =
      StrCat("freshet: generated ", GroupedCount(rows), " rows, ",
             Decimals(100 * static_cast<double>(clicks) / count, 2),
             " % clicked; the true model's log loss is ", Decimals(loss_sum / count, 5), "\n");
  std::fputs(summary.c_str(), stderr);
  return absl::OkStatus();
}

}  // namespace

void AddGenerateCommand(CLI::App& app, CommandContext& context) {
  CLI::App* generate = app.add_subcommand("generate", "Generate synthetic examples to learn from");
  generate->require_subcommand(1);
  CLI::App* clicks = generate->add_subcommand(
      "clicks", "Click events drawn from a hidden logistic model, as Vowpal Wabbit text on stdout");
  clicks->footer(
      "Runs until stopped unless --rows is given. At the end it prints the log loss of the hidden "
      "model\n"
      "itself to stderr: the best that any learner can reach.\n"
      "Examples:\n"
      "  freshet generate clicks --rate 50000 | freshet push clicks -\n"
      "Other events of the same world, to predict:\n"
      "  freshet generate clicks --rows 5 --world-seed 1 --seed 2 | freshet predict clicks -\n"
      "The same stream, further on:\n"
      "  freshet generate clicks --rows 5 --skip 1000000 | freshet predict clicks -");
  const auto arguments = std::make_shared<GenerateArguments>();
  clicks->add_option("--rows", arguments->rows, "Stop after this many rows")->type_name("N");
  clicks->add_option("--rate", arguments->rate, "Rows per second (default: as fast as possible)")
      ->type_name("N");
  clicks->add_option("--skip", arguments->skip, "Leave out this many rows at the beginning")
      ->type_name("N");
  clicks
      ->add_option("--seed", arguments->generator.seed,
                   "Random seed: the same seed gives the same events")
      ->type_name("N")
      ->capture_default_str();
  clicks
      ->add_option(
          "--world-seed", arguments->generator.world_seed,
          "Random seed of the hidden model, so that streams of several seeds have the same "
          "(default: --seed)")
      ->type_name("N");
  clicks
      ->add_option("--drift-rows", arguments->generator.drift_rows,
                   "Redraw a third of the hidden weights after every N rows (default: never)")
      ->type_name("N");
  clicks->callback([&context, arguments] {
    context.action = [arguments] { return GenerateClicks(*arguments); };
  });
  AddGenerateConversions(*generate, context);
}

}  // namespace freshet
