// freshet push.

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "client/command/command.h"
#include "client/command/exit_code.h"
#include "client/command/metrics_text.h"
#include "client/command/model_text.h"
#include "client/command/prediction_file.h"
#include "client/command/push_run.h"
#include "client/command/stop_signal.h"
#include "client/command/text.h"
#include "client/resource_names.h"
#include "core/base/json_object.h"
#include "core/base/str_cat.h"
#include "core/thread/steady_mutex.h"

namespace freshet {
namespace {

// Deadline for the metrics in the progress display. Short, since the end of the push waits for a
// call that is under way.
constexpr int64_t kWatchDeadlineMs = 2'000;

absl::Status CheckArguments(const PushArguments& arguments) {
  const auto bad = [](std::string_view text) { return absl::InvalidArgumentError(ToAbsl(text)); };
  bool reads_stdin = arguments.input.files.empty();
  for (const std::string& file : arguments.input.files) reads_stdin |= file == "-";
  if (arguments.epochs < 1) return bad("--epochs is 0; it must be at least 1");
  if (!(arguments.rate >= 0)) return bad("--rate must be 0 or more rows a second");
  if (!(arguments.retry_s >= 0 && arguments.retry_s <= 1e9)) {
    return bad("--retry must be 0 or more seconds");
  }
  if (arguments.batch_size < 1 || arguments.batch_size > 65'536) {
    return bad("--batch-size must be 1 to 65536");
  }
  if (arguments.epochs > 1 && reads_stdin) {
    return bad("--epochs needs files: standard input can be read only once");
  }
  if (arguments.epochs > 1 && arguments.input.follow) {
    return bad("--epochs and --follow cannot be combined: a followed file has no end");
  }
  if (!arguments.predictions_path.empty() && arguments.shuffle_buffer > 0) {
    return bad(
        "--predictions and --shuffle-buffer cannot be combined: predictions are written in "
        "input order");
  }
  return absl::OkStatus();
}

struct Outcome {
  PusherStats stats;
  uint64_t bad_rows = 0;
  double seconds = 0;
  v1::Model model;  // After the push; its name is empty if the server did not return the model.
};

// The number of rows that the server had already learned from an earlier push with the same
// producer id. Does not count duplicates that this push caused itself by resending after a
// reconnect.
uint64_t KnownRows(const PusherStats& stats) {
  return stats.duplicates - std::min(stats.duplicates, stats.resent);
}

uint64_t LearnedRows(const PusherStats& stats) {
  return stats.acknowledged - std::min(stats.acknowledged, KnownRows(stats));
}

std::string SummaryJson(const PushArguments& arguments, const Outcome& outcome) {
  const v1::ProgressiveMetrics& metrics = ChampionOf(outcome.model).metrics();
  using Number = std::optional<double>;
  const bool known = metrics.example_count() > 0;
  JsonObject object;
  object.Add("model", ModelId(arguments.model));
  object.Add("examples", outcome.stats.pushed);
  object.Add("acknowledged", outcome.stats.acknowledged);
  object.Add("learned", LearnedRows(outcome.stats));
  object.Add("known", KnownRows(outcome.stats));
  object.Add("rejected", outcome.bad_rows);
  object.Add("resent", outcome.stats.resent);
  object.Add("seconds", Number(outcome.seconds));
  object.Add("examplesPerSecond",
             Number(static_cast<double>(outcome.stats.acknowledged) / outcome.seconds));
  object.Add("loss", known ? Number(metrics.loss()) : std::nullopt);
  object.Add("lossBaseRate", known ? Number(metrics.base_rate_loss()) : std::nullopt);
  object.Add("auc", metrics.has_auc() ? Number(metrics.auc()) : std::nullopt);
  object.Add("calibration",
             metrics.has_calibration() ? Number(metrics.calibration()) : std::nullopt);
  if (outcome.model.name().empty()) {
    object.Add("offset", std::optional<double>());
  } else {
    object.Add("offset", outcome.model.offset());
  }
  return object.ToString() + "\n";
}

std::string RowCount(uint64_t count) {
  return StrCat(GroupedCount(count), count == 1 ? " row" : " rows");
}

std::string SummaryText(const PushArguments& arguments, const Outcome& outcome) {
  const PusherStats& stats = outcome.stats;
  const uint64_t learned = LearnedRows(stats);
  const double rate = static_cast<double>(learned) / outcome.seconds;
  std::string out = StrCat(
      ModelId(arguments.model), ": learned ", RowCount(learned),
      outcome.bad_rows > 0 && arguments.SkipsErrors()
          ? StrCat(", ", GroupedCount(outcome.bad_rows), " skipped")
          : "",
      KnownRows(stats) > 0 ? StrCat(", ", GroupedCount(KnownRows(stats)), " already known") : "",
      ", in ", Decimals(outcome.seconds, 2), " s, ", GroupedCount(static_cast<uint64_t>(rate)),
      " a second\n");
  Table table({{""}, {""}, {""}});
  const v1::ProgressiveMetrics& metrics = ChampionOf(outcome.model).metrics();
  if (metrics.example_count() > 0) {
    table.AddRow(
        {"", "loss",
         StrCat(Decimals(metrics.loss(), 5), " (base rate ", Decimals(metrics.base_rate_loss(), 5),
                ", ", GainText(metrics.relative_gain()), ")")});
    if (metrics.has_auc()) table.AddRow({"", "AUC", Decimals(metrics.auc(), 4)});
    if (metrics.has_calibration()) {
      table.AddRow({"", "calibration", Decimals(metrics.calibration(), 4)});
    }
  }
  if (!outcome.model.name().empty()) {
    table.AddRow({"", "offset", GroupedCount(outcome.model.offset())});
  }
  if (stats.reconnects > 0 || stats.resent > 0) {
    table.AddRow({"", "reconnected",
                  StrCat(GroupedCount(stats.reconnects), stats.reconnects == 1 ? " time" : " times",
                         ", ", GroupedCount(stats.resent), " rows resent, none learned twice")});
  }
  return out + table.ToString();
}

// The error that the command ends with, if any. If a row is to blame, it names its file and line.
absl::Status FinalStatus(bool skips_errors, const absl::Status& read, const absl::Status& pushed,
                         const BadRowLog& bad_rows, const PusherStats& stats) {
  const uint64_t count = LearnedRows(stats);
  std::string learned =
      count == 0 ? "; nothing was learned"
                 : StrCat("; ", RowCount(count), count == 1 ? " was learned" : " were learned");
  if (!absl::IsInvalidArgument(pushed) && stats.unacknowledged > 0) {
    learned += StrCat(", ", GroupedCount(stats.unacknowledged), " were not acknowledged");
  }
  if (bad_rows.too_many()) {
    if (!skips_errors) {
      return DataError(StrCat(bad_rows.first(), learned, "; use --skip-errors to skip bad rows"));
    }
    return DataError(StrCat("stopped at ", GroupedCount(bad_rows.count()),
                            " bad rows, more than --max-errors allows; the first is ",
                            bad_rows.first(), learned));
  }
  if (!pushed.ok()) {
    const std::string message = StrCat(ToStd(pushed.message()), learned);
    return absl::IsInvalidArgument(pushed) ? DataError(message)
                                           : absl::Status(pushed.code(), message);
  }
  if (!read.ok()) return {read.code(), ToAbsl(StrCat(ToStd(read.message()), learned))};
  return absl::OkStatus();
}

absl::StatusOr<v1::Model> FindModel(const Client& client, const std::string& name) {
  absl::StatusOr<v1::Model> model = client.GetModel(name);
  if (absl::IsNotFound(model.status())) {
    const std::string id = ModelId(name);
    return absl::NotFoundError(
        StrCat("model \"", id, "\" not found; create it with 'freshet models create ", id, "'"));
  }
  return model;
}

PusherOptions MakePusherOptions(const PushArguments& arguments) {
  PusherOptions options;
  options.producer_id = arguments.producer_id;
  options.skip_bad_rows = arguments.SkipsErrors();
  options.retry_deadline_ms = static_cast<int64_t>(arguments.retry_s * 1000);
  return options;
}

// Finds out whether labels are of two classes, which the formats read in their own ways.
absl::Status FindKindOfLabels(const Client& client, PushArguments& arguments) {
  const auto found = FindModel(client, arguments.model);
  if (found.ok()) {
    const v1::Loss loss = ChampionOf(*found).learner().loss();
    arguments.input.binary_labels = loss == v1::LOSS_LOGISTIC || loss == v1::LOSS_HINGE;
    return absl::OkStatus();
  }
  // After PERMISSION_DENIED go on: a token with the role `learn` may push to a model that it may
  // not describe.
  return absl::IsPermissionDenied(found.status()) ? absl::OkStatus() : found.status();
}

// Prints what the push did. `status` is its end; `stopped`: a signal ended it.
void Report(const CommandContext& context, const PushArguments& arguments, const Outcome& outcome,
            std::string_view producer_id, const absl::Status& status, bool stopped) {
  if (context.json) {
    std::cout << SummaryJson(arguments, outcome);
  } else if (status.ok() || outcome.stats.pushed > 0) {
    std::cout << SummaryText(arguments, outcome);
  }
  if (status.ok() && outcome.stats.pushed == 0 && outcome.bad_rows == 0 && !stopped) {
    std::cerr << "freshet: the input has no rows\n";
  }
  if (const uint64_t known = KnownRows(outcome.stats); known > 0) {
    std::cerr << "freshet: " << RowCount(known) << " had sequence numbers that producer "
              << producer_id
              << " used before and were not learned again; to push new rows, give each push a "
                 "--producer-id of its own\n";
  }
}

// Prints lines to standard error: above the progress display while one is shown. Thread-safe.
class LinePrinter {
 public:
  void Print(std::string_view line) {
    const SteadyLock lock(&mu_);
    if (display_ != nullptr) {
      display_->Print(line);
    } else {
      std::cerr << line << "\n";
    }
  }
  // Null: none is shown.
  void Show(ProgressDisplay* display) {
    const SteadyLock lock(&mu_);
    display_ = display;
  }

 private:
  SteadyMutex mu_;
  ProgressDisplay* display_ ABSL_GUARDED_BY(mu_) = nullptr;
};

// How a push ended: reading the input, and pushing what was read.
struct RunStatus {
  absl::Status read;
  absl::Status pushed;
};

// Runs the push to its end while its progress is shown.
RunStatus RunShown(const CommandContext& context, const std::string& model, ProgressMode mode,
                   LinePrinter& printer, PushRun& run, Pusher& pusher) {
  CommandContext watch_context = context;
  watch_context.deadline_s = kWatchDeadlineMs / 1000.0;
  auto watcher = mode == ProgressMode::kNone ? absl::StatusOr<std::unique_ptr<Client>>(nullptr)
                                             : Connect(watch_context);
  ProgressDisplay shown(
      mode, ModelId(model), [&run] { return run.Sample(); },
      watcher.ok() ? *std::move(watcher) : nullptr);
  printer.Show(&shown);
  RunStatus ended;
  ended.read = run.Run();
  ended.pushed = pusher.Close();
  printer.Show(nullptr);
  return ended;
}

absl::Status Push(const CommandContext& context, PushArguments arguments) {
  if (absl::Status status = CheckArguments(arguments); !status.ok()) return status;
  const absl::StatusOr<ProgressMode> mode = ParseProgressMode(arguments.progress);
  if (!mode.ok()) return mode.status();
  const std::atomic<bool>& stop = CatchStopSignals();
  const auto client = Connect(context);
  if (!client.ok()) return client.status();
  if (absl::Status status = FindKindOfLabels(**client, arguments); !status.ok()) return status;

  std::unique_ptr<PredictionFile> predictions;
  PusherOptions options = MakePusherOptions(arguments);
  if (!arguments.predictions_path.empty()) {
    auto file = PredictionFile::Create(arguments.predictions_path);
    if (!file.ok()) return file.status();
    predictions = *std::move(file);
    options.on_predictions = [&predictions](const PushedPredictions& rows) {
      predictions->Write(rows.predictions);
    };
  }
  RowPositions positions(8 * options.max_unacknowledged_examples);
  LinePrinter printer;
  const uint64_t max_errors = arguments.max_errors.value_or(arguments.skip_errors ? UINT64_MAX : 0);
  BadRowLog bad_rows(max_errors, [&printer](std::string_view line) { printer.Print(line); });
  options.on_rejected = [&](const RejectedRow& row) {
    bad_rows.Add(StrCat(positions.Describe(row.index), ": ", row.field, ": ", row.reason));
  };
  auto pusher = Pusher::Start(**client, arguments.model, std::move(options));
  if (!pusher.ok()) return pusher.status();

  SayIfTerminalIsRead(arguments.input);
  const auto start = std::chrono::steady_clock::now();
  PushRun run(arguments, stop, **pusher, positions, bad_rows, predictions.get());
  const RunStatus ended = RunShown(context, arguments.model, *mode, printer, run, **pusher);

  Outcome outcome;
  outcome.stats = (*pusher)->stats();
  outcome.bad_rows = bad_rows.count();
  outcome.seconds = std::max(
      1e-6, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  if (auto model = (*client)->GetModel(arguments.model); model.ok()) outcome.model = *model;
  absl::Status status =
      FinalStatus(arguments.SkipsErrors(), ended.read, ended.pushed, bad_rows, outcome.stats);
  Report(context, arguments, outcome, (*pusher)->producer_id(), status, stop);
  if (predictions != nullptr) {
    if (absl::Status closed = predictions->Close(); !closed.ok()) return closed;
  }
  return status;
}

void AddOptions(CLI::App& push, PushArguments& arguments) {
  push.add_option("model", arguments.model, "The model")->required()->type_name("MODEL");
  AddInputOptions(push, arguments.input);
  push.add_option("--epochs", arguments.epochs, "Read the files this many times (default: once)")
      ->type_name("N");
  push.add_option("--shuffle-buffer", arguments.shuffle_buffer,
                  "Shuffle rows in a buffer of this many rows (default: keep the input order)")
      ->type_name("N");
  push.add_option("--seed", arguments.seed, "Random seed of --shuffle-buffer")
      ->type_name("N")
      ->capture_default_str();
  push.add_option("--rate", arguments.rate,
                  "Push at most this many rows per second (default: no limit)")
      ->type_name("N");
  push.add_option("--limit", arguments.limit, "Stop after this many rows")->type_name("N");
  push.add_option("--predictions", arguments.predictions_path,
                  "Write the prediction made just before learning from each row to this file, one "
                  "per line in input order; nan for a bad row")
      ->type_name("FILE");
  push.add_flag("--skip-errors", arguments.skip_errors,
                "Skip bad rows instead of stopping at the first");
  push.add_option("--max-errors", arguments.max_errors,
                  "Skip up to this many bad rows; stop at the next")
      ->type_name("N");
  push.add_option("--batch-size", arguments.batch_size, "Most rows in a batch")
      ->type_name("N")
      ->capture_default_str();
  push.add_option(
          "--producer-id", arguments.producer_id,
          "Producer id: batches resent under the same id are learned once. Random by default")
      ->type_name("ID");
  push.add_option("--retry", arguments.retry_s,
                  "How long to keep trying while the server cannot be reached")
      ->type_name("SECONDS")
      ->capture_default_str();
  push.add_option("--progress", arguments.progress, "Progress display: auto, bar, plain or none")
      ->type_name("KIND")
      ->capture_default_str();
}

}  // namespace

void AddPushCommand(CLI::App& app, CommandContext& context) {
  CLI::App* push = app.add_subcommand("push", "Push examples from files or stdin to a model");
  push->footer(StrCat(
      FormatHelp(),
      "Ctrl-C stops reading, waits for what was sent to be acknowledged, and prints the summary.\n"
      "Examples:\n"
      "  freshet push clicks clicks.vw.gz\n"
      "  freshet push flights flights.csv --label delay --positive '>=15' --time-features date"));
  const auto arguments = std::make_shared<PushArguments>();
  AddOptions(*push, *arguments);
  push->callback([&context, arguments] {
    context.action = [&context, arguments] { return Push(context, *arguments); };
  });
}

}  // namespace freshet
