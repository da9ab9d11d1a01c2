#include "client/command/example_reader.h"

#include <utility>

#include "client/command/exit_code.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

std::vector<std::string> PathsOf(const InputOptions& options) {
  return options.files.empty() ? std::vector<std::string>{"-"} : options.files;
}

std::string Shown(std::string_view path) { return path == "-" ? "stdin" : std::string(path); }

}  // namespace

void AddInputOptions(CLI::App& app, InputOptions& options) {
  app.add_option("file", options.files,
                 "Files to read, one after the other, plain, gzip or zstd; - or none is standard "
                 "input")
      ->type_name("FILE");
  AddFormatOptions(app, options);
  app.add_flag("--follow", options.follow, "Wait for more at the end of the last file");
}

void AddFormatOptions(CLI::App& app, InputOptions& options) {
  app.add_option("--format", options.format,
                 "vw, svmlight, csv, tsv or jsonl; else guessed from the name and the first line");
  app.add_option("--label", options.parse.label_column,
                 "csv: the column with the label (default: label)")
      ->type_name("COLUMN");
  app.add_option("--positive", options.parse.positive,
                 "csv: which labels are positive, for example '>=15' or '=yes'")
      ->type_name("TEST");
  app.add_option("--numeric", options.parse.numeric_columns,
                 "csv: columns that hold numbers; the others are categories")
      ->type_name("COLUMN,...")
      ->delimiter(',')
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--ignore", options.parse.ignore_columns, "csv: columns to leave out")
      ->type_name("COLUMN,...")
      ->delimiter(',')
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--time-features", options.parse.time_features_column,
                 "csv: a column of dates or times to make hour, weekday and the like of")
      ->type_name("COLUMN");
}

std::string_view FormatHelp() {
  return "Formats:\n"
         "  vw        1 2.0 'tag|user u42 age:0.3 |ad a7     label, importance, tag, namespaces\n"
         "  svmlight  +1 3:0.5 17:1                           label, index:value\n"
         "  csv, tsv  a header, then cells; a column is a category unless options say otherwise\n"
         "  jsonl     {\"label\": 1, \"user\": \"u42\", \"stats\": {\"age\": 0.3}, \"tags\": "
         "[\"a\", \"b\"]}\n"
         "            also \"weight\" and \"tag\"; other keys are namespaces, a string or true is "
         "a\n"
         "            category, a number is a value\n";
}

ExampleReader::ExampleReader(const InputOptions& options, const std::atomic<bool>* stop)
    : options_(options), lines_(PathsOf(options), [&] {
        LineReaderOptions lines;
        lines.follow = options.follow;
        lines.stop = stop;
        return lines;
      }()) {}

absl::Status ExampleReader::BeginFile(std::string_view first_line) {
  if (absl::Status status = EndFile(); !status.ok()) return status;
  if (format_ == nullptr) {
    std::string name = options_.format;
    if (name.empty()) {
      absl::StatusOr<std::string> guess = GuessFormat(lines_.path(), first_line);
      if (!guess.ok()) return DataError(ToStd(guess.status().message()));
      name = *std::move(guess);
    }
    absl::StatusOr<std::unique_ptr<RowFormat>> format = MakeRowFormat(name, options_.parse);
    if (!format.ok()) {
      // What the options ask for cannot be had; no later line changes that.
      return absl::FailedPreconditionError(format.status().message());
    }
    format_ = *std::move(format);
  }
  open_path_ = lines_.path();
  format_->BeginFile(open_path_);
  return absl::OkStatus();
}

absl::Status ExampleReader::EndFile() {
  if (format_ == nullptr || open_path_.empty()) return absl::OkStatus();
  const std::string path = std::exchange(open_path_, "");
  absl::Status status = format_->EndFile();
  if (status.ok()) return status;
  return DataError(StrCat(Shown(path), ": ", ToStd(status.message())));
}

absl::StatusOr<bool> ExampleReader::Next(ExampleBatchBuilder& builder) {
  std::string_view line;
  while (true) {
    const absl::StatusOr<bool> more = lines_.Next(line);
    if (!more.ok()) {
      // INVALID_ARGUMENT is kept for bad lines that can be skipped.
      if (absl::IsInvalidArgument(more.status())) return DataError(ToStd(more.status().message()));
      return more.status();
    }
    if (!*more) {
      if (absl::Status status = EndFile(); !status.ok()) return status;
      return false;
    }
    if (lines_.is_first_line() || format_ == nullptr) {
      if (absl::Status status = BeginFile(line); !status.ok()) return status;
    }
    const absl::StatusOr<bool> row = format_->ParseLine(line, builder);
    if (!row.ok()) {
      const std::string message = StrCat(Place(), ": ", ToStd(row.status().message()));
      return absl::IsInvalidArgument(row.status()) ? absl::InvalidArgumentError(message)
                                                   : DataError(message);
    }
    if (!*row) continue;
    absl::Status label = CheckLabel(builder);
    if (label.ok()) return true;
    builder.RemoveLastRow();
    return label;
  }
}

absl::Status ExampleReader::CheckLabel(const ExampleBatchBuilder& builder) const {
  if (!options_.binary_labels) return absl::OkStatus();
  const float label = builder.View().labels.back();
  if (label == 1.0f || label == 0.0f || label == -1.0f) return absl::OkStatus();
  return absl::InvalidArgumentError(
      StrCat(Place(), ": label ", label,
             ": logistic and hinge loss take 1 (positive) and 0 or -1 (negative)",
             "; --positive makes such labels of the cells of a csv file"));
}

// Where the last line stands.
std::string ExampleReader::Place() const {
  return StrCat(Shown(lines_.path()), ":", lines_.line_number());
}

}  // namespace freshet
