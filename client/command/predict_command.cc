// freshet predict.

#include <cerrno>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/command/command.h"
#include "client/command/event_rows.h"
#include "client/command/example_reader.h"
#include "client/command/input_mapping.h"
#include "client/command/prediction_output.h"
#include "client/command/prediction_run.h"
#include "client/command/stop_signal.h"
#include "client/command/text.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

struct PredictArguments {
  std::string model;
  InputOptions input;
  std::string output;
  std::vector<std::string> keep;
  bool log = false;
  bool wait = false;
};

absl::Status Print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) {
    return absl::OkStatus();
  }
  return absl::ErrnoToStatus(errno, "cannot write to stdout");
}

absl::Status Predict(const CommandContext& context, PredictArguments arguments) {
  absl::StatusOr<PredictionOutput> output = PredictionOutput::Make({.output = arguments.output,
                                                                    .keep = arguments.keep,
                                                                    .json = context.json,
                                                                    .event_ids = arguments.log});
  if (!output.ok()) return output.status();
  arguments.input.parse.labels_required = false;
  absl::StatusOr<EventRows> events =
      EventRows::Make(arguments.input.parse, EventRows::Ids::kOptional);
  if (!events.ok()) return events.status();
  const auto client = Connect(context);
  if (!client.ok()) return client.status();
  // Report a missing model before waiting for input. A token may be allowed to predict without
  // being allowed to describe the model, so go on after PERMISSION_DENIED.
  const absl::StatusOr<v1::Model> model = (*client)->GetModel(arguments.model);
  const absl::Status& found = model.status();
  if (!found.ok() && !absl::IsPermissionDenied(found)) return found;
  if (found.ok()) FollowMapping(*model, arguments.input);
  SayIfTerminalIsRead(arguments.input);
  ExampleReader reader(arguments.input, &CatchStopSignals());
  PredictionRun::Steps steps{
      .on_row = [&output](ExampleReader& row) { return output->NoteRow(row); },
      .on_answer = [&output](const Predictions& answer,
                             const ExampleBatch& /*rows*/) { return Print(output->Rows(answer)); }};
  if (arguments.log) {
    steps.log = PredictOptions{.log_events = true, .wait = arguments.wait};
    steps.events = &*events;
  }
  PredictionRun run(**client, arguments.model, std::move(steps));
  absl::Status status = run.Run(&reader);
  if (status.ok() && run.dropped_event_count() > 0) {
    status = absl::ResourceExhaustedError(
        StrCat(GroupedCount(run.dropped_event_count()),
               " rows were predicted, but not logged as events; try these again later"));
  }
  return status.ok() ? Print(output->MissingHeader()) : status;
}

}  // namespace

void AddPredictCommand(CLI::App& app, CommandContext& context) {
  CLI::App* predict = app.add_subcommand("predict", "Predict examples from files or stdin");
  predict->footer(
      StrCat(FormatHelp(),
             "Prints one line per row: the probability of a positive label (or the value), the "
             "score before\n"
             "the link function, and the row's tag, if any. Labels in the input are ignored.\n"
             "Examples:\n"
             "  echo '|user u42 |ad a7' | freshet predict ctr -\n"
             "  freshet predict flights ask.csv --output csv --keep flight --keep date\n"
             "  freshet predict ads impressions.jsonl --log --event-id id\n"
             "With --log, the last column is the event's id. 'freshet help feedback' says how the "
             "label follows."));
  const auto arguments = std::make_shared<PredictArguments>();
  predict->add_option("model", arguments->model, "The model")->required()->type_name("MODEL");
  AddInputOptions(*predict, arguments->input);
  predict
      ->add_option("--output", arguments->output,
                   "How rows are printed: csv (with a header) or jsonl (default: numbers and tag)")
      ->type_name("FORMAT");
  AddRepeatedOption(*predict, "--keep", arguments->keep,
                    "With --output: a column or member of the input to print beside the "
                    "prediction; may be repeated. vw and svmlight have tag")
      ->type_name("FIELD");
  CLI::Option* log =
      predict->add_flag("--log", arguments->log,
                        "Make an event of each row, whose label comes later by 'freshet feedback'; "
                        "the server makes ids for rows without one");
  AddEventOptions(*predict, arguments->input);
  for (const char* option : {"--event-id", "--time"}) predict->get_option(option)->needs(log);
  predict
      ->add_flag("--wait", arguments->wait,
                 "With --log: answer only when the events survive what the model's durability says")
      ->needs(log);
  predict->callback([&context, arguments] {
    context.action = [&context, arguments] { return Predict(context, *arguments); };
  });
}

}  // namespace freshet
