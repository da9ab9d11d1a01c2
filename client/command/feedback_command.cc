// freshet feedback.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/command/command.h"
#include "client/command/exit_code.h"
#include "client/command/feedback_reader.h"
#include "client/command/known_rows.h"
#include "client/command/progress.h"
#include "client/command/push_controls.h"
#include "client/command/push_run.h"
#include "client/command/push_summary.h"
#include "client/command/row_positions.h"
#include "client/command/stop_signal.h"
#include "client/command/text.h"
#include "client/feedback_pusher.h"
#include "client/resource_names.h"
#include "core/base/json_object.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

// How long feedback that was read waits for more to fill the batch before it is sent.
constexpr std::chrono::milliseconds kFeedbackLinger{50};

struct FeedbackArguments : PushControls {
  std::string model;
  InputOptions input;
  FeedbackFields fields;
};

// Reads feedback and pushes it until the input ends or an error occurs. Rows are numbered from 1,
// bad rows, too. Not thread-safe, except for Sample().
class FeedbackRun {
 public:
  // All arguments must outlive the run.
  FeedbackRun(const FeedbackArguments& arguments, const KnownRows& known, FeedbackReader& reader,
              FeedbackPusher& pusher, RowPositions& positions, BadRowLog& bad_rows)
      : arguments_(arguments),
        known_(known),
        reader_(reader),
        pusher_(pusher),
        positions_(positions),
        bad_rows_(bad_rows) {}

  absl::Status Run(const std::atomic<bool>& stop) {
    absl::StatusOr<bool> more = true;
    while (more.ok() && *more && !stop && !bad_rows_.too_many()) {
      const bool idle = !items_.empty() && reader_.rows().WouldBlock();
      const bool full = items_.size() >= arguments_.batch_size;
      if (full || (idle && !reader_.rows().WaitForInput(kFeedbackLinger))) {
        if (absl::Status status = PushItems(); !status.ok()) return status;
      }
      more = ReadRow();
    }
    interrupted_ = stop;
    // Even after an error, push what was read before it.
    if (absl::Status status = PushItems(); !status.ok()) return status;
    return more.status();
  }

  bool interrupted() const { return interrupted_; }
  uint64_t known_count() const { return known_count_; }
  uint64_t last_row() const { return row_; }
  std::string LastPlace() {
    if (row_ == 0) return "";
    const std::string& path = reader_.rows().path();
    return StrCat(path == "-" ? "stdin" : path, ":", reader_.rows().line_number());
  }

  ProgressFigures Sample() const {
    const PusherStats stats = pusher_.stats();
    ProgressFigures figures;
    figures.rows = stats.pushed + known_count_;
    figures.bytes = bytes_;
    if (const uint64_t total = bytes_total_; total > 0) figures.bytes_total = total;
    figures.waiting = stats.waiting;
    figures.reconnecting = stats.unacknowledged > 0 && stats.acknowledged > 0 && !stats.connected;
    figures.bad_rows = bad_rows_.count();
    return figures;
  }

 private:
  absl::StatusOr<bool> ReadRow() {
    v1::FeedbackItem item;
    absl::StatusOr<bool> row = reader_.Next(item);
    if (absl::IsInvalidArgument(row.status())) {
      bad_rows_.Add(ToStd(row.status().message()));
      if (bad_rows_.too_many()) return DataError(ToStd(row.status().message()));
    } else if (!row.ok() || !*row) {
      return row;
    }
    ++row_;
    // A request covers all numbers from its first row to its last, so it ends before a known row.
    if (known_.Contains(row_)) {
      if (row.ok()) ++known_count_;
      if (absl::Status status = PushItems(); !status.ok()) return status;
      first_row_ = row_ + 1;
    } else if (row.ok()) {
      ExampleReader& rows = reader_.rows();
      places_.push_back({positions_.PathIndex(rows.path()), rows.line_number()});
      items_.push_back(std::move(item));
      last_item_row_ = row_;
    }
    return true;
  }

  absl::Status PushItems() {
    bytes_ = reader_.rows().bytes_consumed();
    bytes_total_ = reader_.rows().bytes_total().value_or(0);
    if (items_.empty()) return absl::OkStatus();
    positions_.Add(std::exchange(places_, {}));
    absl::Status status = pusher_.PushBatch(items_, {first_row_, last_item_row_});
    first_row_ = last_item_row_ + 1;
    items_.clear();
    return status;
  }

  const FeedbackArguments& arguments_;
  const KnownRows& known_;
  FeedbackReader& reader_;
  FeedbackPusher& pusher_;
  RowPositions& positions_;
  BadRowLog& bad_rows_;

  std::vector<v1::FeedbackItem> items_;  // Those of the next request.
  std::vector<RowPosition> places_;      // Where they stand.
  uint64_t row_ = 0;                     // The number of the last row.
  uint64_t first_row_ = 1;               // The first number that the next request covers.
  uint64_t last_item_row_ = 0;
  bool interrupted_ = false;
  std::atomic<uint64_t> known_count_{0};
  std::atomic<uint64_t> bytes_{0};
  std::atomic<uint64_t> bytes_total_{0};  // 0: not known.
};

void PrintFeedbackSummary(const CommandContext& context, const PushOutcome& outcome,
                          bool skips_errors) {
  if (!context.json) {
    std::cout << PushSummaryText(outcome, skips_errors);
    return;
  }
  JsonObject object;
  object.Add("model", outcome.model);
  object.Add("items", outcome.stats.pushed + outcome.known_rows);
  object.Add("accepted", outcome.LearnedRows());
  object.Add("known", outcome.KnownRows());
  object.Add("refused", outcome.bad_rows);
  object.Add("resent", outcome.stats.resent);
  object.Add("seconds", std::optional<double>(outcome.seconds));
  object.Add("offset", outcome.stats.offset);
  object.Add("producerId", outcome.producer_id);
  object.Add("lastRow", outcome.last_row);
  std::cout << object.ToString() << "\n";
}

absl::Status CheckFeedbackFormat(const FeedbackArguments& arguments) {
  const std::string& format = arguments.input.format;
  if (format.empty() || NeedsMapping(format)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      StrCat("--format ", format, ": feedback comes as csv, tsv or jsonl"));
}

absl::Status PushFeedback(const CommandContext& context, const FeedbackArguments& arguments) {
  absl::Status checked = CheckPushControls(arguments);
  if (checked.ok()) checked = CheckFeedbackFormat(arguments);
  if (!checked.ok()) return checked;
  const absl::StatusOr<ProgressMode> mode = ParseProgressMode(arguments.progress);
  if (!mode.ok()) return mode.status();
  absl::StatusOr<TimeReader> time = TimeReader::Make(arguments.input.parse.time_format);
  if (!time.ok()) return time.status();
  const std::atomic<bool>& stop = CatchStopSignals();
  const auto client = Connect(context);
  if (!client.ok()) return client.status();
  const absl::StatusOr<KnownRows> known =
      FindKnownRows(**client, arguments.model, arguments.producer_id);
  if (!known.ok()) return known.status();

  PusherOptions options = PusherOptionsOf(arguments, *known);
  RowPositions positions(8 * options.max_unacknowledged_examples);
  LinePrinter printer;
  BadRowLog bad_rows(arguments.MaxErrors(),
                     [&printer](std::string_view line) { printer.Print(line); });
  ListenToRejected(positions, bad_rows, options);
  auto pusher = FeedbackPusher::Start(**client, arguments.model, std::move(options));
  if (!pusher.ok()) return pusher.status();
  SayIfTerminalIsRead(arguments.input);
  SayWhereItGoesOn(*known, arguments.producer_id, printer);

  const auto start = std::chrono::steady_clock::now();
  FeedbackReader reader(arguments.input, arguments.fields, *std::move(time), &stop);
  FeedbackRun run(arguments, *known, reader, **pusher, positions, bad_rows);
  PushEnd end{.skips_errors = arguments.SkipsErrors()};
  {
    ProgressDisplay shown(
        *mode, ModelId(arguments.model), [&run] { return run.Sample(); }, nullptr);
    printer.Show(&shown);
    end.read = run.Run(stop);
    end.pushed = (*pusher)->Close();
    printer.Show(nullptr);
  }

  PushOutcome outcome;
  outcome.model = ModelId(arguments.model);
  outcome.producer_id = (*pusher)->producer_id();
  outcome.done = "accepted";
  outcome.unit = "item";
  outcome.stats = (*pusher)->stats();
  outcome.known_rows = run.known_count();
  outcome.bad_rows = bad_rows.count();
  outcome.last_row = run.last_row();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  outcome.seconds = std::max(1e-6, took.count());
  end.first_bad = bad_rows.first();
  end.too_many_bad = bad_rows.too_many();
  absl::Status status = FinalStatus(end, outcome);
  const bool stopped = status.ok() && run.interrupted();
  if (stopped) {
    status = InterruptedPush(arguments, run.last_row(), run.LastPlace(), outcome.producer_id);
  }
  if (context.json || status.ok() || stopped || outcome.stats.pushed + outcome.KnownRows() > 0) {
    PrintFeedbackSummary(context, outcome, arguments.SkipsErrors());
  }
  return status;
}

void AddFeedbackFields(CLI::App& feedback, FeedbackArguments& arguments) {
  FeedbackFields& fields = arguments.fields;
  feedback
      .add_option("--name", fields.name,
                  "The name of all feedback in the files (default: the field name says it)")
      ->type_name("NAME");
  feedback
      .add_option("--event-id", fields.event_id,
                  "The field with the event's id (default: event_id)")
      ->type_name("FIELD");
  feedback.add_option("--value", fields.value, "The field with the value (default: value)")
      ->type_name("FIELD");
  feedback
      .add_option("--time", fields.time,
                  "The field with the time at which it happened (default: time)")
      ->type_name("FIELD");
  feedback
      .add_option("--time-format", arguments.input.parse.time_format,
                  "Format of the times, if it is not one of the usual ones: for example '%d.%m.%Y "
                  "%H:%M', or s or ms since 1970")
      ->type_name("FORMAT");
}

}  // namespace

void AddFeedbackCommand(CLI::App& app, CommandContext& context) {
  CLI::App* feedback = app.add_subcommand(
      "feedback", "Tell a model what happened to its events, which is how they get their labels");
  feedback->footer(
      "Rows are csv or tsv with a header, or jsonl:\n"
      "  {\"event_id\": \"i17\", \"name\": \"click\", \"value\": 1, \"time\": "
      "\"2026-11-30T09:30:00Z\"}\n"
      "Only event_id is needed. value is 1 if it is left out, and time is now. A feedback_id makes "
      "repeated\n"
      "feedback harmless, and \"withdraw\": true takes back what has this feedback_id, or this "
      "name.\n"
      "Rows that the server refuses do not keep others of their batch from being accepted.\n"
      "Events come from 'freshet predict --log' and 'freshet push --events'. docs/labels.md "
      "describes it all.\n"
      "Examples:\n"
      "  freshet feedback ads clicks.jsonl\n"
      "  freshet feedback ads sales.csv --name sale --event-id impression --value price");
  const auto arguments = std::make_shared<FeedbackArguments>();
  feedback->add_option("model", arguments->model, "The model")->required()->type_name("MODEL");
  feedback
      ->add_option("file", arguments->input.files,
                   "Files to read in order, plain or compressed with gzip or zstd; - or no file "
                   "reads standard input")
      ->type_name("FILE");
  AddFeedbackFields(*feedback, *arguments);
  feedback
      ->add_option("--format", arguments->input.format,
                   "csv, tsv or jsonl (default: guessed from the name and the first line of each "
                   "file)")
      ->type_name("NAME");
  feedback
      ->add_option("--delimiter", arguments->input.parse.delimiter,
                   "csv, tsv: the separator of cells (default: detected from the header)")
      ->type_name("TEXT");
  feedback->add_flag("--follow", arguments->input.follow,
                     "At the end of the last file, wait for more lines as 'tail -F' does");
  AddPushControls(*feedback, *arguments);
  feedback->callback([&context, arguments] {
    context.action = [&context, arguments] { return PushFeedback(context, *arguments); };
  });
}

}  // namespace freshet
