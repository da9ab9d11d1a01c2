// freshet predict.

#include <cerrno>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/command/command.h"
#include "client/command/example_reader.h"
#include "client/command/exit_code.h"
#include "client/command/stop_signal.h"
#include "client/command/text.h"
#include "client/packed_encoder.h"
#include "core/base/json_object.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

// Large enough to spread the cost of a call, small enough for results to stream.
constexpr size_t kRowsPerCall = 256;

struct PredictArguments {
  std::string model;
  InputOptions input;
};

// Gathers rows, asks for their predictions and prints them.
class PredictRun {
 public:
  PredictRun(const Client& client, std::string model, bool json)
      : client_(client), model_(std::move(model)), json_(json) {}

  absl::Status Run(ExampleReader* reader) {
    while (true) {
      const absl::StatusOr<bool> row = reader->Next(batch_);
      if (!row.ok() || !*row) {
        // Rows before the error are still predicted and printed.
        if (absl::Status status = Answer(); !status.ok()) return status;
        if (row.ok()) return absl::OkStatus();
        return absl::IsInvalidArgument(row.status()) ? DataError(ToStd(row.status().message()))
                                                     : row.status();
      }
      if (HasTooManyNamespaces(batch_)) {
        // The rows before this one go first.
        next_.Clear();
        batch_.MoveLastRowTo(next_);
        if (absl::Status status = Answer(); !status.ok()) return status;
        std::swap(batch_, next_);
      }
      if (batch_.row_count() == 1) {
        first_place_ = StrCat(reader->path(), ":", reader->line_number());
      }
      tags_.emplace_back(reader->tag());
      if (!IsFull(batch_, kRowsPerCall) && !reader->WouldBlock()) continue;
      if (absl::Status status = Answer(); !status.ok()) return status;
    }
  }

 private:
  absl::Status Answer() {
    if (batch_.row_count() == 0) return absl::OkStatus();
    const absl::StatusOr<Predictions> answer = client_.Predict(model_, batch_);
    if (!answer.ok()) {
      if (!absl::IsInvalidArgument(answer.status())) return answer.status();
      return DataError(StrCat("in the batch that begins at ", first_place_, ": ",
                              ToStd(answer.status().message())));
    }
    std::string out;
    for (size_t row = 0; row < answer->predictions.size(); ++row) AppendRow(*answer, row, &out);
    batch_.Clear();
    tags_.clear();
    if (std::fwrite(out.data(), 1, out.size(), stdout) != out.size() || std::fflush(stdout) != 0) {
      return absl::ErrnoToStatus(errno, "cannot write to stdout");
    }
    return absl::OkStatus();
  }

  void AppendRow(const Predictions& answer, size_t row, std::string* out) const {
    const std::string& tag = tags_[row];
    if (json_) {
      JsonObject object;
      object.Add("prediction", answer.predictions[row]).Add("score", answer.scores[row]);
      object.Add("offset", answer.offset);
      if (!tag.empty()) object.Add("tag", tag);
      *out += StrCat(object.ToString(), "\n");
      return;
    }
    *out += StrCat(ShortestNumber(answer.predictions[row]), " ", ShortestNumber(answer.scores[row]),
                   tag.empty() ? "" : " ", tag, "\n");
  }

  const Client& client_;
  const std::string model_;
  const bool json_;
  ExampleBatchBuilder batch_;
  ExampleBatchBuilder next_;       // A row on its way to the next batch.
  std::vector<std::string> tags_;  // One for each row of batch_.
  std::string first_place_;        // "file:line" of the first row of batch_.
};

absl::Status Predict(const CommandContext& context, PredictArguments arguments) {
  arguments.input.parse.labels_required = false;
  const auto client = Connect(context);
  if (!client.ok()) return client.status();
  // Report a missing model before waiting for input. A token may be allowed to predict without
  // being allowed to describe the model, so go on after PERMISSION_DENIED.
  absl::Status found = (*client)->GetModel(arguments.model).status();
  if (!found.ok() && !absl::IsPermissionDenied(found)) return found;
  SayIfTerminalIsRead(arguments.input);
  ExampleReader reader(arguments.input, &CatchStopSignals());
  return PredictRun(**client, arguments.model, context.json).Run(&reader);
}

}  // namespace

void AddPredictCommand(CLI::App& app, CommandContext& context) {
  CLI::App* predict = app.add_subcommand("predict", "Predict examples from files or stdin");
  predict->footer(
      StrCat(FormatHelp(),
             "Prints one line per row: the probability of a positive label (or the value), the "
             "score before\n"
             "the link function, and the row's tag, if any. Labels in the input are ignored.\n"
             "Example: echo '|user u42 |ad a7' | freshet predict ctr -"));
  const auto arguments = std::make_shared<PredictArguments>();
  predict->add_option("model", arguments->model, "The model")->required()->type_name("MODEL");
  AddInputOptions(*predict, arguments->input);
  predict->callback([&context, arguments] {
    context.action = [&context, arguments] { return Predict(context, *arguments); };
  });
}

}  // namespace freshet
