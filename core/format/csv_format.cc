#include "core/format/csv_format.h"

#include <algorithm>
#include <utility>

#include "core/base/str_cat.h"
#include "core/feature/hash.h"
#include "core/format/number.h"
#include "core/format/parse_error.h"

namespace freshet {
namespace {

constexpr std::string_view kDefaultLabelColumn = "label";

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

absl::Status HeaderError(std::string_view message) {
  return absl::FailedPreconditionError(StrCat("column 1: ", message));
}

}  // namespace

absl::StatusOr<std::unique_ptr<CsvFormat>> CsvFormat::Make(FormatOptions options, char delimiter) {
  std::optional<LabelRule> rule;
  if (!options.positive.empty()) {
    absl::StatusOr<LabelRule> parsed = LabelRule::Parse(options.positive);
    if (!parsed.ok()) return parsed.status();
    rule = *std::move(parsed);
  }
  if (options.delimiter != '\0') delimiter = options.delimiter;
  if (delimiter == '"' || delimiter == '\n' || delimiter == '\r') {
    return absl::InvalidArgumentError("the delimiter must not be a quote or a line break");
  }
  return std::unique_ptr<CsvFormat>(new CsvFormat(std::move(options), std::move(rule), delimiter));
}

CsvFormat::CsvFormat(FormatOptions options, std::optional<LabelRule> rule, char delimiter)
    : options_(std::move(options)), rule_(std::move(rule)), splitter_(delimiter) {}

void CsvFormat::BeginFile(std::string_view /*path*/) {
  splitter_.Reset();
  header_read_ = false;
}

absl::Status CsvFormat::EndFile() {
  if (!splitter_.within_record()) return absl::OkStatus();
  splitter_.Reset();
  return ParseError(1, "the file ends within a quoted cell; its closing quote is missing");
}

absl::StatusOr<bool> CsvFormat::ParseLine(std::string_view line, ExampleBatchBuilder& builder) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  if (line.empty() && !splitter_.within_record()) return false;
  absl::StatusOr<bool> whole = splitter_.Split(line, cells_);
  if (!whole.ok() || !*whole) return whole;
  if (!header_read_) {
    if (absl::Status status = ReadHeader(); !status.ok()) return status;
    header_read_ = true;
    return false;
  }
  if (absl::Status status = ParseRow(builder); !status.ok()) {
    builder.AbandonRow();
    return status;
  }
  return true;
}

absl::Status CsvFormat::ReadHeader() {
  columns_.clear();
  for (const CsvCell& cell : cells_) {
    const uint32_t hash = HashNamespace(cell.text);
    columns_.push_back(
        {std::string(cell.text), Role::kCategory, hash, HashFeature(cell.text, hash)});
  }
  const bool default_label = options_.label_column.empty();
  const std::string_view label = default_label ? kDefaultLabelColumn : options_.label_column;
  const bool has_label = std::any_of(columns_.begin(), columns_.end(),
                                     [label](const Column& c) { return c.name == label; });
  if (has_label) {
    if (absl::Status status = SetRole(label, Role::kLabel, "--label"); !status.ok()) return status;
  } else if (options_.labels_required) {
    return HeaderError(StrCat("the header has no label column ", Quoted(label),
                              "; say which it is "
                              "with --label; the columns are: ",
                              ColumnNames()));
  }
  for (const std::string& name : options_.numeric_columns) {
    if (absl::Status s = SetRole(name, Role::kNumber, "--numeric"); !s.ok()) return s;
  }
  for (const std::string& name : options_.ignore_columns) {
    if (absl::Status s = SetRole(name, Role::kIgnored, "--ignore"); !s.ok()) return s;
  }
  time_features_.reset();
  if (!options_.time_features_column.empty()) {
    const std::string& name = options_.time_features_column;
    if (absl::Status s = SetRole(name, Role::kTime, "--time-features"); !s.ok()) return s;
    time_features_.emplace(HashNamespace(name));
  }
  return absl::OkStatus();
}

absl::Status CsvFormat::SetRole(std::string_view name, Role role, std::string_view option) {
  bool found = false;
  for (Column& column : columns_) {
    if (column.name != name) continue;
    if (column.role != Role::kCategory && column.role != role) {
      return HeaderError(StrCat(option, " names column ", Quoted(name),
                                ", which another option gives another role"));
    }
    if (found && role == Role::kLabel) {
      return HeaderError(StrCat("the header has more than one label column ", Quoted(name)));
    }
    column.role = role;
    found = true;
  }
  if (found) return absl::OkStatus();
  return HeaderError(StrCat(option, " names column ", Quoted(name),
                            ", which the header does not have; the columns are: ", ColumnNames()));
}

std::string CsvFormat::ColumnNames() const {
  std::string names;
  for (const Column& column : columns_) {
    names += StrCat(names.empty() ? "" : ", ", column.name);
  }
  return names;
}

absl::Status CsvFormat::ParseRow(ExampleBatchBuilder& builder) {
  if (cells_.size() != columns_.size()) {
    const size_t column =
        cells_.size() > columns_.size() ? cells_[columns_.size()].column : cells_.back().column;
    return ParseError(column, StrCat("the row has ", cells_.size(), " cells, but the header has ",
                                     columns_.size()));
  }
  builder.BeginRow(0, 1);
  for (size_t i = 0; i < columns_.size(); ++i) {
    const Column& column = columns_[i];
    const CsvCell& cell = cells_[i];
    if (column.role == Role::kIgnored) continue;
    if (column.role == Role::kLabel) {
      float label = 0;
      if (absl::Status status = ParseLabel(column, cell, label); !status.ok()) return status;
      builder.SetLabelAndWeight(label, 1);
      continue;
    }
    const size_t index = builder.Namespace(column.name);
    if (cell.text.empty()) continue;
    if (column.role == Role::kCategory) {
      builder.AddFeature(index, cell.text, HashFeature(cell.text, column.namespace_hash), 1);
    } else if (column.role == Role::kNumber) {
      float value = 0;
      if (!ParseFiniteFloat(Trim(cell.text), value)) {
        return ParseError(cell.column,
                          StrCat("numeric column ", Quoted(column.name), " has ", Quoted(cell.text),
                                 "; it must be a finite number or empty"));
      }
      builder.AddFeature(index, column.name, column.number_id, value);
    } else {
      CivilTime time{};
      if (!ParseCivilTime(Trim(cell.text), time)) {
        return ParseError(cell.column,
                          StrCat("time column ", Quoted(column.name), " has ", Quoted(cell.text),
                                 "; it must be as 2001-12-31, 2001-12-31 09:30 or "
                                 "2001-12-31T09:30:00Z, or Unix seconds, or empty"));
      }
      time_features_->Add(time, index, builder);
    }
  }
  builder.EndRow();
  return absl::OkStatus();
}

absl::Status CsvFormat::ParseLabel(const Column& column, const CsvCell& cell, float& label) const {
  const std::string_view text = Trim(cell.text);
  if (text.empty()) {
    if (!options_.labels_required) return absl::OkStatus();
    return ParseError(cell.column, StrCat("label column ", Quoted(column.name), " is empty"));
  }
  if (!rule_) {
    if (ParseFiniteFloat(text, label)) return absl::OkStatus();
    return ParseError(cell.column,
                      StrCat("label column ", Quoted(column.name), " has ", Quoted(cell.text),
                             "; it must be a finite number, or --positive must say what is "
                             "positive, as in --positive '=yes'"));
  }
  const LabelRule::Verdict verdict = rule_->Judge(text);
  if (verdict == LabelRule::Verdict::kNotANumber) {
    return ParseError(cell.column,
                      StrCat("label column ", Quoted(column.name), " has ", Quoted(cell.text),
                             "; --positive '", rule_->text(), "' needs a finite number"));
  }
  label = verdict == LabelRule::Verdict::kPositive ? 1.0f : 0.0f;
  return absl::OkStatus();
}

}  // namespace freshet
