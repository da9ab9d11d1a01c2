// freshet evaluate.

#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "client/command/command.h"
#include "client/command/example_reader.h"
#include "client/command/exit_code.h"
#include "client/command/input_mapping.h"
#include "client/command/metrics_text.h"
#include "client/command/model_text.h"
#include "client/command/prediction_run.h"
#include "client/command/push_run.h"
#include "client/command/row_metrics.h"
#include "client/command/stop_signal.h"
#include "client/command/text.h"
#include "client/resource_names.h"
#include "core/base/json_object.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

struct EvaluateArguments {
  std::string model;
  InputOptions input;
  bool skip_errors = false;
};

struct Evaluation {
  uint64_t rows = 0;
  uint64_t bad_rows = 0;
  uint64_t offset = 0;  // Of the model at the last prediction.
  ProgressiveFigures metrics;
};

std::string EvaluationJson(const std::string& model, const Evaluation& evaluation) {
  using Number = std::optional<double>;
  const ProgressiveFigures& metrics = evaluation.metrics;
  const bool known = metrics.example_count > 0;
  const auto number = [known](double value) { return known ? Number(value) : std::nullopt; };
  JsonObject object;
  object.Add("model", ModelId(model));
  object.Add("rows", evaluation.rows);
  object.Add("rejected", evaluation.bad_rows);
  object.Add("weightSum", Number(metrics.weight_sum));
  object.Add("loss", number(metrics.loss));
  object.Add("lossBaseRate", number(metrics.base_rate_loss));
  object.Add("relativeGain", number(metrics.relative_gain));
  object.Add("auc", metrics.auc);
  object.Add("calibration", metrics.calibration);
  object.Add("labelMean", number(metrics.label_mean));
  object.Add("meanSquaredError", metrics.mean_squared_error);
  object.Add("meanAbsoluteError", metrics.mean_absolute_error);
  object.Add("rSquared", metrics.r_squared);
  object.Add("offset", evaluation.offset);
  return object.ToString() + "\n";
}

std::string EvaluationText(const std::string& model, const Evaluation& evaluation) {
  const ProgressiveFigures& metrics = evaluation.metrics;
  std::string head = StrCat(
      ModelId(model), ": evaluated ", GroupedCount(evaluation.rows),
      evaluation.rows == 1 ? " row" : " rows",
      evaluation.bad_rows > 0 ? StrCat(", ", GroupedCount(evaluation.bad_rows), " skipped") : "",
      ", at offset ", GroupedCount(evaluation.offset), "\n");
  Table table({{""}, {""}, {""}});
  if (metrics.example_count > 0) {
    table.AddRow(
        {"", "loss", LossText(metrics.loss, metrics.base_rate_loss, metrics.relative_gain)});
    if (metrics.auc.has_value()) table.AddRow({"", "AUC", Decimals(metrics.auc, 4)});
    if (metrics.calibration.has_value()) {
      table.AddRow({"", "calibration", Decimals(metrics.calibration, 4)});
    }
    table.AddRow({"", "mean label", Decimals(metrics.label_mean, 5)});
  }
  if (metrics.mean_squared_error.has_value()) {
    table.AddRow({"", "mean squared error", ShortestNumber(*metrics.mean_squared_error)});
    table.AddRow(
        {"", "mean absolute error", ShortestNumber(metrics.mean_absolute_error.value_or(0))});
    if (metrics.r_squared.has_value()) {
      table.AddRow({"", "R squared", Decimals(metrics.r_squared, 4)});
    }
  }
  return head + table.ToString();
}

// Reads and predicts all rows.
absl::Status EvaluateRows(const Client& client, const EvaluateArguments& arguments,
                          const v1::LearnerSpec& learner, Evaluation& evaluation) {
  RowMetrics metrics(learner);
  BadRowLog bad_rows(arguments.skip_errors ? UINT64_MAX : 0,
                     [](std::string_view line) { std::cerr << line << "\n"; });
  PredictionRun run(client, arguments.model,
                    {.on_answer =
                         [&](const Predictions& answer, const ExampleBatch& rows) {
                           metrics.Add(answer.scores, rows.labels, rows.weights);
                           evaluation.rows += rows.size();
                           evaluation.offset = answer.offset;
                           return absl::OkStatus();
                         },
                     .on_bad_row =
                         [&](const absl::Status& reason) {
                           bad_rows.Add(ToStd(reason.message()));
                           return bad_rows.too_many()
                                      ? DataError(StrCat(ToStd(reason.message()),
                                                         "; use --skip-errors to skip bad rows"))
                                      : absl::OkStatus();
                         }});
  ExampleReader reader(arguments.input, &CatchStopSignals());
  absl::Status status = run.Run(&reader);
  evaluation.bad_rows = bad_rows.count();
  evaluation.metrics = metrics.Figures();
  return status;
}

absl::Status Evaluate(const CommandContext& context, EvaluateArguments arguments) {
  const auto client = Connect(context);
  if (!client.ok()) return client.status();
  const auto model = (*client)->GetModel(arguments.model);
  if (!model.ok()) return model.status();
  const v1::LearnerSpec& learner = ChampionOf(*model).learner();
  arguments.input.binary_labels = HasTwoLabels(learner);
  arguments.input.half_labels = HasHalfLabels(learner);
  FollowMapping(*model, arguments.input);
  SayIfTerminalIsRead(arguments.input);
  Evaluation evaluation;
  if (absl::Status status = EvaluateRows(**client, arguments, learner, evaluation); !status.ok()) {
    return status;
  }
  std::cout << (context.json ? EvaluationJson(arguments.model, evaluation)
                             : EvaluationText(arguments.model, evaluation));
  if (const int signal = StopSignal(); signal != 0) {
    return InterruptedError(signal, "interrupted; the figures are of the rows read until then");
  }
  return evaluation.rows > 0 ? absl::OkStatus() : DataError("the input has no rows");
}

}  // namespace

void AddEvaluateCommand(CLI::App& app, CommandContext& context) {
  CLI::App* evaluate = app.add_subcommand(
      "evaluate", "Compare predictions with the labels of files or stdin, without learning");
  evaluate->footer(StrCat(
      FormatHelp(),
      "Predicts every row with the weights as they are, and prints the loss, the loss of the base "
      "rate,\n"
      "AUC and calibration, weighted as the rows are. The model learns nothing.\n"
      "Example: freshet evaluate clicks yesterday.vw.gz"));
  const auto arguments = std::make_shared<EvaluateArguments>();
  evaluate->add_option("model", arguments->model, "The model")->required()->type_name("MODEL");
  AddInputOptions(*evaluate, arguments->input);
  evaluate->add_flag("--skip-errors", arguments->skip_errors,
                     "Skip bad rows instead of stopping at the first");
  evaluate->callback([&context, arguments] {
    context.action = [&context, arguments] { return Evaluate(context, *arguments); };
  });
}

}  // namespace freshet
