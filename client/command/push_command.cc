// freshet push.

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "client/command/command.h"
#include "client/command/exit_code.h"
#include "client/command/input_mapping.h"
#include "client/command/known_rows.h"
#include "client/command/model_text.h"
#include "client/command/prediction_file.h"
#include "client/command/push_run.h"
#include "client/command/push_summary.h"
#include "client/command/row_metrics.h"
#include "client/command/stop_signal.h"
#include "client/command/text.h"
#include "client/resource_names.h"
#include "core/base/str_cat.h"
#include "core/thread/steady_mutex.h"

namespace freshet {
namespace {

using Clock = std::chrono::steady_clock;

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

// The error that the command ends with, if any. If a row is to blame, it names its file and line.
absl::Status FinalStatus(bool skips_errors, const absl::Status& read, const absl::Status& pushed,
                         const BadRowLog& bad_rows, const PushOutcome& outcome) {
  const uint64_t count = outcome.LearnedRows();
  std::string learned =
      count == 0 ? "; nothing was learned"
                 : StrCat("; ", RowCount(count), count == 1 ? " was learned" : " were learned");
  const uint64_t open = absl::IsInvalidArgument(pushed) ? 0 : outcome.stats.unacknowledged;
  if (open > 0) learned += StrCat(", ", GroupedCount(open), " were not acknowledged");
  if (count + open > 0) {
    learned += StrCat("; the same command with --producer-id ", outcome.producer_id,
                      " goes on after them");
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

PusherOptions MakePusherOptions(const PushArguments& arguments, const KnownRows& known) {
  PusherOptions options;
  options.producer_id = arguments.producer_id;
  options.producer_is_known = known.last() > 0;
  options.skip_bad_rows = arguments.SkipsErrors();
  options.retry_deadline_ms = static_cast<int64_t>(arguments.retry_s * 1000);
  return options;
}

// The model before the push; absent if the token may push to it but not describe it.
absl::StatusOr<std::optional<v1::Model>> FindPushedModel(const Client& client,
                                                         const std::string& name) {
  absl::StatusOr<v1::Model> found = FindModel(client, name);
  if (found.ok()) return *std::move(found);
  if (absl::IsPermissionDenied(found.status())) return std::nullopt;
  return found.status();
}

// Finds out what an earlier push with the same --producer-id has achieved.
absl::StatusOr<KnownRows> FindKnownRows(const Client& client, const PushArguments& arguments) {
  if (arguments.producer_id.empty()) return KnownRows();
  absl::StatusOr<v1::GetProducerResponse> producer =
      client.GetProducer(arguments.model, arguments.producer_id);
  if (absl::IsUnimplemented(producer.status())) {
    return absl::FailedPreconditionError(
        "the server is too old to say where this producer was; update the server, or push without "
        "--producer-id");
  }
  if (!producer.ok()) return producer.status();
  return KnownRows(*std::move(producer));
}

// The end of a push that a signal has stopped.
absl::Status Interrupted(const PushArguments& arguments, const PushRun& run,
                         const PushOutcome& outcome) {
  const std::string place = run.LastPlace();
  return InterruptedError(
      StopSignal(),
      StrCat("interrupted; go on from row ", GroupedCount(run.last_row() + 1),
             place.empty() ? "" : StrCat(", which is after ", place), ", with the same command ",
             arguments.producer_id.empty() ? StrCat("and --producer-id ", outcome.producer_id)
                                           : std::string("once more")));
}

// Prints what the push did. `status` is its end; `stopped`: a signal ended it.
void Report(const CommandContext& context, const PushArguments& arguments,
            const PushOutcome& outcome, const absl::Status& status, bool stopped) {
  const uint64_t known = outcome.KnownRows();
  if (context.json) {
    std::cout << PushSummaryJson(outcome);
  } else if (status.ok() || stopped || outcome.stats.pushed + known > 0) {
    std::cout << PushSummaryText(outcome, arguments.SkipsErrors());
  }
  if (status.ok() && outcome.stats.pushed + known == 0 && outcome.bad_rows == 0) {
    std::cerr << "freshet: the input has no rows\n";
  }
  if (status.ok() && known > 0 && outcome.LearnedRows() == 0) {
    std::cerr << "freshet: producer " << outcome.producer_id
              << " had pushed all of these rows before; to learn them once more, give another "
                 "--producer-id\n";
  }
  if (outcome.stats.skipped > 0) {
    std::cerr << "freshet: " << RowCount(outcome.stats.skipped)
              << " had numbers so large that the update would not have been finite; scale them, "
                 "or create the model with --numeric-transform '*=standardize'\n";
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

// Where predictions go as they come, if anywhere.
void ListenToPredictions(PredictionFile* file, PushMetrics* metrics, PusherOptions& options) {
  if (file == nullptr && metrics == nullptr) return;
  options.on_predictions = [file, metrics](const PushedPredictions& rows) {
    if (metrics != nullptr) metrics->Take(rows.scores);
    if (file != nullptr) file->Write(rows.predictions);
  };
}

PushOutcome OutcomeOf(const Pusher& pusher, const PushRun& run) {
  PushOutcome outcome;
  outcome.producer_id = pusher.producer_id();
  outcome.stats = pusher.stats();
  outcome.known_rows = run.known_count();
  outcome.last_row = run.last_row();
  return outcome;
}

absl::Status Push(const CommandContext& context, PushArguments arguments) {
  if (absl::Status status = CheckArguments(arguments); !status.ok()) return status;
  const absl::StatusOr<ProgressMode> mode = ParseProgressMode(arguments.progress);
  if (!mode.ok()) return mode.status();
  const std::atomic<bool>& stop = CatchStopSignals();
  const auto client = Connect(context);
  if (!client.ok()) return client.status();
  const auto model = FindPushedModel(**client, arguments.model);
  if (!model.ok()) return model.status();
  const absl::StatusOr<KnownRows> known = FindKnownRows(**client, arguments);
  if (!known.ok()) return known.status();

  std::unique_ptr<PushMetrics> metrics;
  if (model->has_value()) {
    const v1::LearnerSpec& learner = ChampionOf(**model).learner();
    metrics = std::make_unique<PushMetrics>(learner);
    // The formats read labels of two classes in their own ways.
    arguments.input.binary_labels =
        learner.loss() == v1::LOSS_LOGISTIC || learner.loss() == v1::LOSS_HINGE;
    FollowOrChooseMapping(**client, **model, arguments.input);
  }
  std::unique_ptr<PredictionFile> predictions;
  if (!arguments.predictions_path.empty()) {
    auto file = PredictionFile::Create(arguments.predictions_path);
    if (!file.ok()) return file.status();
    predictions = *std::move(file);
  }
  PusherOptions options = MakePusherOptions(arguments, *known);
  ListenToPredictions(predictions.get(), metrics.get(), options);
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
  if (known->last() > 0) {
    printer.Print(StrCat("freshet: going on after row ", GroupedCount(known->last()),
                         ", where producer ", arguments.producer_id, " was"));
  }
  const Clock::time_point start = Clock::now();
  PushRun run(arguments, stop, *known, **pusher,
              {.positions = positions,
               .bad_rows = bad_rows,
               .predictions = predictions.get(),
               .metrics = metrics.get()});
  const RunStatus ended = RunShown(context, arguments.model, *mode, printer, run, **pusher);

  PushOutcome outcome = OutcomeOf(**pusher, run);
  outcome.model = ModelId(arguments.model);
  outcome.bad_rows = bad_rows.count();
  outcome.seconds = std::max(1e-6, std::chrono::duration<double>(Clock::now() - start).count());
  if (auto after = (*client)->GetModel(arguments.model); after.ok()) outcome.described = *after;
  if (metrics != nullptr) outcome.metrics = metrics->Figures();
  absl::Status status =
      FinalStatus(arguments.SkipsErrors(), ended.read, ended.pushed, bad_rows, outcome);
  const bool stopped = status.ok() && run.interrupted();
  if (stopped) status = Interrupted(arguments, run, outcome);
  Report(context, arguments, outcome, status, stopped);
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
          "Name of this stream of rows: a later push of the same rows under the same name goes on "
          "after the last row that was acknowledged. Random by default")
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
      "Ctrl-C stops reading, waits for what was sent to be acknowledged, prints the summary, and "
      "says\n"
      "how to go on after the last row.\n"
      "Examples:\n"
      "  freshet push clicks clicks.vw.gz\n"
      "  freshet push flights flights.csv --label delay --positive '>=15'\n"
      "The first file of csv, tsv or jsonl that a model learns from decides what its fields mean, "
      "and the\n"
      "model keeps this as its input mapping; see 'models create --like'."));
  const auto arguments = std::make_shared<PushArguments>();
  AddOptions(*push, *arguments);
  push->callback([&context, arguments] {
    context.action = [&context, arguments] { return Push(context, *arguments); };
  });
}

}  // namespace freshet
