// freshet push.

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "client/command/command.h"
#include "client/command/event_rows.h"
#include "client/command/input_mapping.h"
#include "client/command/known_rows.h"
#include "client/command/model_text.h"
#include "client/command/prediction_file.h"
#include "client/command/push_controls.h"
#include "client/command/push_run.h"
#include "client/command/push_summary.h"
#include "client/command/row_metrics.h"
#include "client/command/stop_signal.h"
#include "client/command/text.h"
#include "client/resource_names.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

using Clock = std::chrono::steady_clock;

// Deadline for the metrics in the progress display. Short, since the end of the push waits for a
// call that is under way.
constexpr int64_t kWatchDeadlineMs = 2'000;

bool ReadsStdin(const PushArguments& arguments) {
  const std::vector<std::string>& files = arguments.input.files;
  return files.empty() || std::find(files.begin(), files.end(), "-") != files.end();
}

absl::Status CheckArguments(const PushArguments& arguments) {
  const auto bad = [](std::string_view text) { return absl::InvalidArgumentError(ToAbsl(text)); };
  if (arguments.epochs < 1) return bad("--epochs is 0; it must be at least 1");
  if (!(arguments.rate >= 0)) return bad("--rate must be 0 or more rows a second");
  if (arguments.epochs > 1 && ReadsStdin(arguments)) {
    return bad("--epochs needs files: standard input can be read only once");
  }
  if (arguments.epochs > 1 && arguments.input.follow) {
    return bad("--epochs and --follow cannot be combined: a followed file has no end");
  }
  if (arguments.events) {
    if (arguments.epochs > 1) {
      return bad("--events and --epochs cannot be combined: ids are unique");
    }
    if (arguments.shuffle_buffer > 0) {
      return bad(
          "--events and --shuffle-buffer cannot be combined: events are logged in input order");
    }
    if (!arguments.predictions_path.empty()) {
      return bad("--events and --predictions cannot be combined: events are learned later");
    }
  }
  if (!arguments.predictions_path.empty() && arguments.shuffle_buffer > 0) {
    return bad(
        "--predictions and --shuffle-buffer cannot be combined: predictions are written in "
        "input order");
  }
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

// The model before the push; absent if the token may push to it but not describe it.
absl::StatusOr<std::optional<v1::Model>> FindPushedModel(const Client& client,
                                                         const std::string& name) {
  absl::StatusOr<v1::Model> found = FindModel(client, name);
  if (found.ok()) return *std::move(found);
  if (absl::IsPermissionDenied(found.status())) return std::nullopt;
  return found.status();
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

// Reads the files as often as a model of Vowpal Wabbit's options says, and holds rows out.
void FollowPasses(const v1::VowpalWabbit& model, PushArguments& arguments) {
  const bool reads_again =
      !arguments.has_epochs && !arguments.input.follow && !ReadsStdin(arguments);
  if (reads_again) arguments.epochs = std::max(model.passes(), 1U);
  if (arguments.epochs > 1 && arguments.shuffle_buffer == 0) {
    arguments.holdout_period = model.holdout_period();
  }
}

absl::Status Push(const CommandContext& context, PushArguments arguments) {
  absl::Status checked = CheckPushControls(arguments);
  if (checked.ok()) checked = CheckArguments(arguments);
  if (!checked.ok()) return checked;
  arguments.input.parse.labels_required = !arguments.events;
  arguments.input.parse.is_event = arguments.events;
  absl::StatusOr<EventRows> events =
      EventRows::Make(arguments.input.parse, EventRows::Ids::kRequired);
  if (!events.ok()) return events.status();
  const absl::StatusOr<ProgressMode> mode = ParseProgressMode(arguments.progress);
  if (!mode.ok()) return mode.status();
  const std::atomic<bool>& stop = CatchStopSignals();
  const auto client = Connect(context);
  if (!client.ok()) return client.status();
  const auto model = FindPushedModel(**client, arguments.model);
  if (!model.ok()) return model.status();
  const absl::StatusOr<KnownRows> known =
      FindKnownRows(**client, arguments.model, arguments.producer_id);
  if (!known.ok()) return known.status();

  std::unique_ptr<PushMetrics> metrics;
  if (model->has_value()) {
    const v1::LearnerSpec& learner = ChampionOf(**model).learner();
    if (!arguments.events) {
      metrics = std::make_unique<PushMetrics>(learner);
      // The formats read labels of two classes in their own ways.
      arguments.input.binary_labels = HasTwoLabels(learner);
      arguments.input.half_labels = HasHalfLabels(learner);
      FollowPasses(learner.vowpal_wabbit(), arguments);
    }
    FollowOrChooseMapping(**client, **model, arguments.input);
  }
  std::unique_ptr<PredictionFile> predictions;
  if (!arguments.predictions_path.empty()) {
    auto file = PredictionFile::Create(arguments.predictions_path);
    if (!file.ok()) return file.status();
    predictions = *std::move(file);
  }
  PusherOptions options = PusherOptionsOf(arguments, *known);
  ListenToPredictions(predictions.get(), metrics.get(), options);
  RowPositions positions(8 * options.max_unacknowledged_examples);
  LinePrinter printer;
  BadRowLog bad_rows(arguments.MaxErrors(),
                     [&printer](std::string_view line) { printer.Print(line); });
  ListenToRejected(positions, bad_rows, options);
  auto pusher = Pusher::Start(**client, arguments.model, std::move(options));
  if (!pusher.ok()) return pusher.status();

  SayIfTerminalIsRead(arguments.input);
  SayWhereItGoesOn(*known, arguments.producer_id, printer);
  const Clock::time_point start = Clock::now();
  PushRun run(arguments, stop, *known, **pusher,
              {.positions = positions,
               .bad_rows = bad_rows,
               .predictions = predictions.get(),
               .metrics = metrics.get(),
               .events = arguments.events ? &*events : nullptr});
  const RunStatus ended = RunShown(context, arguments.model, *mode, printer, run, **pusher);

  PushOutcome outcome = OutcomeOf(**pusher, run);
  outcome.model = ModelId(arguments.model);
  if (arguments.events) {
    outcome.done = "accepted";
    outcome.unit = "event";
  }
  outcome.bad_rows = bad_rows.count();
  outcome.seconds = std::max(1e-6, std::chrono::duration<double>(Clock::now() - start).count());
  if (auto after = (*client)->GetModel(arguments.model); after.ok()) outcome.described = *after;
  if (metrics != nullptr) {
    outcome.metrics = metrics->Figures();
    outcome.holdout = metrics->Holdout();
  }
  absl::Status status = FinalStatus(
      {ended.read, ended.pushed, bad_rows.first(), bad_rows.too_many(), arguments.SkipsErrors()},
      outcome);
  const bool stopped = status.ok() && run.interrupted();
  if (stopped) {
    status = InterruptedPush(arguments, run.last_row(), run.LastPlace(), outcome.producer_id);
  }
  Report(context, arguments, outcome, status, stopped);
  if (predictions != nullptr) {
    if (absl::Status closed = predictions->Close(); !closed.ok()) return closed;
  }
  return status;
}

void AddOptions(CLI::App& push, PushArguments& arguments) {
  push.add_option("model", arguments.model, "The model")->required()->type_name("MODEL");
  AddInputOptions(push, arguments.input);
  CLI::Option* events = push.add_flag(
      "--events", arguments.events,
      "Rows are events: they have ids and no labels, and what happened to them is told "
      "later by 'freshet feedback'");
  AddEventOptions(push, arguments.input);
  for (const char* option : {"--event-id", "--time"}) push.get_option(option)->needs(events);
  push.add_option_function<uint32_t>(
          "--epochs",
          [&arguments](uint32_t epochs) {
            arguments.epochs = epochs;
            arguments.has_epochs = true;
          },
          "Read the files this many times (default: once, or as --passes says in the model's "
          "--vw-options)")
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
  AddPushControls(push, arguments);
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
      "  freshet push ads impressions.jsonl --events --event-id id --time shown_at\n"
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
