// freshet explain.

#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_split.h"
#include "client/command/command.h"
#include "client/command/example_reader.h"
#include "client/command/exit_code.h"
#include "client/command/input_mapping.h"
#include "client/command/model_text.h"
#include "client/command/text.h"
#include "client/command/weight_text.h"
#include "client/input/text_check.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

struct ExplainArguments {
  std::string model;
  std::string example;  // "-": standard input.
  InputOptions input;   // Only the options that say how the example is parsed.
};

// Parses the one example in `text` into `batch`. A header may come before it, as csv requires.
absl::Status ParseExample(std::string_view text, const InputOptions& options,
                          ExampleBatchBuilder& batch) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (absl::Status status = CheckIsText("-", text); !status.ok()) {
    return DataError(ToStd(status.message()));
  }
  const std::vector<absl::string_view> lines =
      absl::StrSplit(ToAbsl(text), absl::ByAnyChar("\r\n"), absl::SkipWhitespace());
  const auto name =
      FormatNameFor(options, "", lines.empty() ? std::string_view() : ToStd(lines.front()));
  if (!name.ok()) {
    return absl::InvalidArgumentError(
        "cannot tell the format of the example; give --format vw, svmlight, csv, tsv or jsonl");
  }
  FormatOptions parse = options.parse;
  parse.labels_required = false;
  const auto format = MakeRowFormat(*name, parse);
  if (!format.ok()) return format.status();
  (*format)->BeginFile("-");
  for (const absl::string_view line : lines) {
    const auto row = (*format)->ParseLine(ToStd(line), batch);
    if (!row.ok()) return DataError(StrCat("the example: ", ToStd(row.status().message())));
    for (const std::string& warning : (*format)->TakeWarnings()) {
      std::cerr << "freshet: warning: the example: " << warning << "\n";
    }
  }
  if (absl::Status ended = (*format)->EndFile(); !ended.ok()) {
    return DataError(StrCat("the example: ", ToStd(ended.message())));
  }
  if (batch.row_count() == 1) return absl::OkStatus();
  return DataError(
      StrCat("the input has ", batch.row_count(),
             " examples; give exactly one (a csv example needs its header before it)"));
}

absl::Status Explain(const CommandContext& context, const ExplainArguments& arguments) {
  std::string text = arguments.example;
  if (text == "-") {
    SayIfTerminalIsRead({});
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  }
  const auto client = Connect(context);
  if (!client.ok()) return client.status();
  const auto model = (*client)->GetModel(arguments.model);
  if (!model.ok()) return model.status();
  InputOptions input = arguments.input;
  FollowMapping(*model, input);
  NewNames names;
  ExampleBatchBuilder batch;
  batch.KeepNames(&names);
  if (absl::Status status = ParseExample(text, input, batch); !status.ok()) return status;
  const auto explanation = (*client)->Explain(arguments.model, batch, /*with_recent_use=*/true);
  if (!explanation.ok()) return explanation.status();
  std::cout << (context.json ? ProtoJson(*explanation)
                             : ExplanationText(ChampionOf(*model).learner().loss(), *explanation));
  return absl::OkStatus();
}

}  // namespace

void AddExplainCommand(CLI::App& app, CommandContext& context) {
  CLI::App* explain =
      app.add_subcommand("explain", "Show what each feature of an example adds to its score");
  explain->footer(StrCat(
      FormatHelp(),
      "Contributions add up to the score minus the intercept. Evidence is what the learner keeps "
      "of a\n"
      "feature's squared gradients: the more, the more certain the weight. Count and last learned "
      "cover\n"
      "the newest examples in the log (about 16 MiB): how many had the feature, and when the last "
      "one\n"
      "was learned.\n"
      "Example: freshet explain ctr '|user u42 |ad a7'"));
  const auto arguments = std::make_shared<ExplainArguments>();
  explain->add_option("model", arguments->model, "The model")->required()->type_name("MODEL");
  explain
      ->add_option("example", arguments->example,
                   "The example, as a line of an input format; - reads it from standard input")
      ->required()
      ->type_name("EXAMPLE");
  AddFormatOptions(*explain, arguments->input);
  explain->callback([&context, arguments] {
    context.action = [&context, arguments] { return Explain(context, *arguments); };
  });
}

}  // namespace freshet
