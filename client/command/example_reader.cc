#include "client/command/example_reader.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <utility>

#include "client/command/command.h"
#include "client/command/exit_code.h"
#include "client/packed_encoder.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

std::vector<std::string> PathsOf(const InputOptions& options) {
  return options.files.empty() ? std::vector<std::string>{"-"} : options.files;
}

std::string Shown(std::string_view path) { return path == "-" ? "stdin" : std::string(path); }

// The delimiter for the text of --delimiter. Has names for those that are hard to type in a shell.
std::string DelimiterOf(const std::string& text) {
  if (text == "tab" || text == "\\t") return "\t";
  if (text == "space") return " ";
  if (text == "comma") return ",";
  if (text == "semicolon") return ";";
  if (text == "pipe" || text == "bar") return "|";
  return text;
}

}  // namespace

void AddInputOptions(CLI::App& app, InputOptions& options) {
  app.add_option("file", options.files,
                 "Files to read in order, plain or compressed with gzip or zstd; - or no file "
                 "reads standard input")
      ->type_name("FILE");
  AddFormatOptions(app, options);
  app.add_flag("--follow", options.follow,
               "At the end of the last file, wait for more lines as 'tail -F' does");
}

void AddEventOptions(CLI::App& app, InputOptions& options) {
  app.add_option("--event-id", options.parse.event_id_field,
                 "csv, tsv, jsonl: the column or member with the event's id (default: that of the "
                 "model's input mapping). vw: the tag is the id")
      ->type_name("FIELD");
  app.add_option(
         "--time", options.parse.event_time_field,
         "csv, tsv, jsonl: the column or member with the time at which the event happened, in "
         "a usual form or as --time-format says (default: now). It gives no features unless "
         "the model's input mapping lists it")
      ->type_name("FIELD");
}

void AddFormatOptions(CLI::App& app, InputOptions& options) {
  FormatOptions& parse = options.parse;
  app.add_option("--format", options.format,
                 "vw, svmlight, csv, tsv or jsonl (default: guessed from the name and the first "
                 "line of each file)")
      ->type_name("NAME")
      // Checked here, since an empty input never gets as far as its format.
      ->check(CLI::Validator(
          [](const std::string& name) {
            return std::string(MakeRowFormat(name, {}).status().message());
          },
          ""));
  app.add_option("--label", parse.label_field,
                 "csv, tsv, jsonl: the column or member with the label (default: label)")
      ->type_name("FIELD");
  app.add_option("--weight", parse.weight_field,
                 "csv, tsv, jsonl: the column or member with the importance weight (default: "
                 "weight for jsonl, else none). svmlight: rows to predict begin with label:weight")
      ->type_name("FIELD");
  app.add_option("--positive", parse.positive,
                 "Which labels are positive, for example '>=15' or '=yes'")
      ->type_name("TEST");
  const auto add_fields = [&app](const std::string& flag, std::vector<std::string>& fields,
                                 const std::string& description) {
    AddRepeatedOption(app, flag, fields, description)->type_name("FIELD,...")->delimiter(',');
  };
  add_fields("--numeric", parse.numeric_fields,
             "csv, tsv, jsonl: fields whose text is a number (default: text is a category)");
  add_fields("--ignore", parse.ignore_fields, "csv, tsv, jsonl: fields to leave out");
  app.add_option("--time-features", parse.time_features_field,
                 "csv, tsv, jsonl: a date or time field to derive hour, weekday and similar "
                 "features from")
      ->type_name("FIELD");
  app.add_option(
         "--time-format", parse.time_format,
         "Format of the --time-features field (and of --time), if it is not one of the usual "
         "ones: for example '%d.%m.%Y %H:%M', or s or ms since 1970")
      ->type_name("FORMAT");
  app.add_option_function<std::vector<std::string>>(
         "--missing", [&parse](const std::vector<std::string>& words) { parse.missing = words; },
         "csv, tsv, jsonl: text that means a missing value (default: NA, NULL, NaN and similar, "
         "in number and time fields only)")
      ->type_name("TEXT,...")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option_function<std::string>(
         "--delimiter", [&parse](const std::string& text) { parse.delimiter = DelimiterOf(text); },
         "csv, tsv: the separator of cells, for example ';' or tab (default: detected from the "
         "header)")
      ->type_name("TEXT");
  app.add_flag_callback(
      "--decimal-comma", [&parse] { parse.decimal_mark = DecimalMark::kComma; },
      "csv, tsv: numbers have a decimal comma, as in 0,5");
  app.add_flag("--keep-blanks", parse.keep_blanks, "csv, tsv: keep blanks around names and cells");
}

absl::StatusOr<std::string> FormatNameFor(const InputOptions& options, std::string_view path,
                                          std::string_view first_line) {
  if (!options.format.empty()) return options.format;
  absl::StatusOr<std::string> guess = GuessFormat(path, first_line);
  if (!guess.ok() && !options.parse.delimiter.empty()) return "csv";
  return guess;
}

std::string_view FormatHelp() {
  return "Formats:\n"
         "  vw        1 2.0 'tag|user u42 age:0.3 |ad a7     label, importance, tag, namespaces\n"
         "  svmlight  +1 3:0.5 17:1                           label[:weight], index:value\n"
         "  csv, tsv  a header, then cells; a column is a category unless options say otherwise\n"
         "  jsonl     {\"label\": 1, \"user\": \"u42\", \"stats\": {\"age\": 0.3}, \"tags\": "
         "[\"a\", \"b\"]}\n"
         "            also \"weight\" and \"tag\"; other members are namespaces: text or true is a "
         "category,\n"
         "            a number is a value; FIELD is a member, or a path such as stats.age\n"
         "docs/input.md describes how every kind of cell, label and time is read.\n";
}

void SayIfTerminalIsRead(const InputOptions& options) {
  const std::vector<std::string> paths = PathsOf(options);
  if (isatty(STDIN_FILENO) == 0 || std::find(paths.begin(), paths.end(), "-") == paths.end()) {
    return;
  }
  std::cerr << "freshet: reading rows from standard input; end them with Ctrl-D\n";
}

ExampleReader::ExampleReader(const InputOptions& options, const std::atomic<bool>* stop)
    : options_(options), lines_(PathsOf(options), [&] {
        LineReaderOptions lines;
        lines.follow = options.follow;
        lines.stop = stop;
        return lines;
      }()) {}

bool NeedsMapping(std::string_view format) {
  return format == "csv" || format == "tsv" || format == "jsonl";
}

// Lets the first lines of the input decide what its fields mean.
absl::Status ExampleReader::ChooseMapping(std::string_view format, std::string_view& first_line) {
  first_line_ = first_line;
  std::vector<std::string> lines = lines_.Peek({.min_lines = format == "jsonl" ? 0U : 1U});
  first_line = first_line_;
  lines.insert(lines.begin(), first_line_);
  auto mapping = options_.choose_mapping(lines_.path(), format, lines);
  if (!mapping.ok()) return DataError(ToStd(mapping.status().message()));
  options_.parse.mapping = *std::move(mapping);
  options_.choose_mapping = nullptr;
  return absl::OkStatus();
}

absl::StatusOr<ExampleReader::Sample> ExampleReader::ReadSample() {
  std::string_view line;
  while (true) {
    const absl::StatusOr<bool> more = lines_.Next(line);
    if (!more.ok()) return more.status();
    if (!*more) return absl::FailedPreconditionError(StrCat(Shown(lines_.path()), " is empty"));
    if (!TrimBlanks(line).empty()) break;
  }
  Sample sample;
  sample.path = lines_.path();
  absl::StatusOr<std::string> format = FormatNameFor(options_, sample.path, line);
  if (!format.ok()) return format.status();
  sample.format = *std::move(format);
  std::string first(line);
  sample.lines = lines_.Peek({.min_lines = 1});
  sample.lines.insert(sample.lines.begin(), std::move(first));
  return sample;
}

absl::Status ExampleReader::BeginFile(std::string_view& first_line) {
  absl::StatusOr<std::string> name = FormatNameFor(options_, lines_.path(), first_line);
  if (!name.ok()) return DataError(ToStd(name.status().message()));
  if (options_.choose_mapping && !options_.parse.mapping && NeedsMapping(*name)) {
    if (absl::Status status = ChooseMapping(*name, first_line); !status.ok()) return status;
  }
  if (format_ == nullptr || *name != format_name_) {
    absl::StatusOr<std::unique_ptr<RowFormat>> format = MakeRowFormat(*name, options_.parse);
    if (!format.ok()) {
      // The format options cannot be used with this format. No later line changes that, so do not
      // report a bad row, which could be skipped.
      return absl::FailedPreconditionError(
          StrCat(Shown(lines_.path()), ": ", ToStd(format.status().message())));
    }
    format_ = *std::move(format);
    format_name_ = *std::move(name);
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

// Reads the next line, and begins a file at its first line that is not blank, from which the format
// is guessed. Returns false at the end of all input.
absl::StatusOr<bool> ExampleReader::ReadLine(std::string_view& line) {
  while (true) {
    const absl::StatusOr<bool> more = lines_.Next(line);
    if (!more.ok()) {
      // INVALID_ARGUMENT is reserved for bad lines that can be skipped, so convert this error.
      if (absl::IsInvalidArgument(more.status())) return DataError(ToStd(more.status().message()));
      return more.status();
    }
    if (!*more || lines_.is_first_line()) {
      if (absl::Status status = EndFile(); !status.ok()) return status;
      if (!*more) return false;
    }
    if (!open_path_.empty()) return true;
    if (TrimBlanks(line).empty()) continue;
    if (absl::Status status = BeginFile(line); !status.ok()) return status;
    return true;
  }
}

absl::StatusOr<bool> ExampleReader::Next(ExampleBatchBuilder& builder) {
  std::string_view line;
  while (true) {
    absl::StatusOr<bool> more = ReadLine(line);
    if (!more.ok() || !*more) return more;
    const absl::StatusOr<bool> row = format_->ParseLine(line, builder);
    if (format_->has_warnings()) PrintWarnings();
    if (!row.ok()) {
      const std::string message = StrCat(Place(), ": ", ToStd(row.status().message()));
      return absl::IsInvalidArgument(row.status()) ? absl::InvalidArgumentError(message)
                                                   : DataError(message);
    }
    if (!*row) continue;
    if (options_.half_labels) WarnOfHalfLabel(builder);
    absl::Status status = CheckLabel(builder);
    if (status.ok()) status = CheckNamespaces(builder);
    if (status.ok()) return true;
    builder.RemoveLastRow();
    return status;
  }
}

absl::StatusOr<std::optional<FieldText>> ExampleReader::Field(std::string_view name) const {
  absl::StatusOr<std::optional<FieldText>> field = format_->Field(name);
  if (field.ok()) return field;
  return absl::Status(field.status().code(),
                      ToAbsl(StrCat(Place(), ": ", ToStd(field.status().message()))));
}

void ExampleReader::PrintWarnings() {
  for (const std::string& warning : format_->TakeWarnings()) {
    std::cerr << "freshet: warning: " << Place() << ": " << warning << "\n";
  }
}

void ExampleReader::WarnOfHalfLabel(const ExampleBatchBuilder& builder) {
  const ExampleBatch rows = builder.View();
  if (rows.labels.back() != 0 || rows.Weight(rows.size() - 1) == 0) return;
  options_.half_labels = false;
  std::cerr
      << "freshet: warning: " << Place()
      << ": label 0 is half positive in this model, as in Vowpal Wabbit; write -1 for negative "
         "rows, or create a model with --loss logistic\n";
}

absl::Status ExampleReader::CheckLabel(const ExampleBatchBuilder& builder) const {
  if (!options_.binary_labels) return absl::OkStatus();
  const float label = builder.View().labels.back();
  if (label == 1.0f || label == 0.0f || label == -1.0f) return absl::OkStatus();
  return absl::InvalidArgumentError(
      StrCat(Place(), ": label ", label,
             ": logistic and hinge loss take 1 (positive) and 0 or -1 (negative)",
             "; use --positive to say which labels are positive, as in --positive '=2'"));
}

absl::Status ExampleReader::CheckNamespaces(const ExampleBatchBuilder& builder) const {
  if (!HasTooManyNamespaces(builder)) return absl::OkStatus();
  const auto sizes = builder.View().segment_sizes.last(builder.namespaces().size());
  const auto used = static_cast<size_t>(
      std::count_if(sizes.begin(), sizes.end(), [](uint32_t size) { return size > 0; }));
  if (used <= kMaxBatchNamespaces) return absl::OkStatus();
  return absl::InvalidArgumentError(
      StrCat(Place(), ": the row has ", used,
             " namespaces, one for each column or member; it may have ", kMaxBatchNamespaces,
             "; --ignore leaves some out, and a JSON object with numbers is one namespace"));
}

// The file and number of the last line, as "file:line".
std::string ExampleReader::Place() const {
  return StrCat(Shown(lines_.path()), ":", lines_.line_number());
}

}  // namespace freshet
