#include "core/format/csv_format.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "core/base/str_cat.h"
#include "core/feature/hash.h"
#include "core/format/number.h"
#include "core/format/parse_error.h"

namespace freshet {
namespace {

constexpr std::string_view kDefaultLabelColumn = "label";
constexpr size_t kMaxDelimiterBytes = 8;

absl::Status HeaderError(std::string_view message) {
  return absl::FailedPreconditionError(StrCat("column 1: ", message));
}

// Guesses the delimiter from the header: a comma if it has one, else the first of semicolon, tab
// and bar. Spreadsheets write semicolons in locales where the comma is the decimal mark.
std::string DelimiterOf(std::string_view header) {
  std::string found = ",";
  bool quoted = false;
  for (const char c : header) {
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == ',') return ",";
    if (found == "," && (c == ';' || c == '\t' || c == '|')) found = c;
  }
  return found;
}

// The delimiter that a line such as sep=; declares. Spreadsheets write such a line above the
// header.
std::optional<std::string> DeclaredDelimiter(std::string_view line) {
  constexpr std::string_view kPrefix = "sep=";
  if (line.size() > 2 && line.front() == '"' && line.back() == '"') {
    line = line.substr(1, line.size() - 2);
  }
  if (line.size() != kPrefix.size() + 1 || line.back() == '"' ||
      !absl::StartsWithIgnoreCase(ToAbsl(line), ToAbsl(kPrefix))) {
    return std::nullopt;
  }
  return std::string(line.substr(kPrefix.size()));
}

absl::Status CheckDelimiter(std::string_view delimiter) {
  if (delimiter.size() <= kMaxDelimiterBytes &&
      delimiter.find_first_of("\"\r\n") == std::string_view::npos) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(StrCat("--delimiter ", Quoted(delimiter), ": it must be 1 to ",
                                           kMaxDelimiterBytes,
                                           " bytes without a quote or a line break"));
}

// A hint for an error about `text`, which is not a number.
std::string_view NumberHint(std::string_view text, DecimalMark mark) {
  if (mark == DecimalMark::kPoint && text.find(',') != std::string_view::npos) {
    return "--decimal-comma reads 0,5 as 0.5";
  }
  if (mark == DecimalMark::kComma && text.find('.') != std::string_view::npos) {
    return "with --decimal-comma, numbers must not contain a point";
  }
  return "--missing names text that means no value";
}

}  // namespace

absl::StatusOr<std::unique_ptr<CsvFormat>> CsvFormat::Make(FormatOptions options,
                                                           std::string_view delimiter) {
  absl::StatusOr<LabelReader> labels = LabelReader::Make(
      {.positive = options.positive, .takes_words = true, .mark = options.decimal_mark});
  if (!labels.ok()) return labels.status();
  absl::StatusOr<TimeReader> times = TimeReader::Make(options.time_format);
  if (!times.ok()) return times.status();
  if (absl::Status status = CheckDelimiter(options.delimiter); !status.ok()) return status;
  if (options.delimiter.empty()) options.delimiter = delimiter;
  return std::unique_ptr<CsvFormat>(
      new CsvFormat(std::move(options), *std::move(labels), *std::move(times)));
}

CsvFormat::CsvFormat(FormatOptions options, LabelReader labels, TimeReader times)
    : options_(std::move(options)),
      labels_(std::move(labels)),
      times_(std::move(times)),
      missing_(options_.missing),
      splitter_(options_.delimiter.empty() ? "," : options_.delimiter, options_.keep_blanks) {}

void CsvFormat::BeginFile(std::string_view /*path*/) {
  splitter_.Reset();
  header_read_ = false;
  delimiter_declared_ = false;
}

absl::Status CsvFormat::EndFile() {
  if (!splitter_.within_record()) return absl::OkStatus();
  splitter_.Reset();
  return ParseError(1, "the file ends within a quoted cell; its closing quote is missing");
}

absl::StatusOr<std::optional<FieldText>> CsvFormat::Field(std::string_view name) {
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].name == name) return FieldText{.text = std::string(cells_[i].text)};
  }
  return absl::InvalidArgumentError(
      StrCat("--keep names column ", Quoted(name),
             ", which the header does not have; the columns are: ", ColumnNames()));
}

absl::StatusOr<bool> CsvFormat::ParseLine(std::string_view line, ExampleBatchBuilder& builder) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  if (!splitter_.within_record()) {
    if (splitter_.IsBlank(line)) return false;
    if (!header_read_ && !delimiter_declared_ && FindDelimiter(line)) return false;
  }
  absl::StatusOr<bool> whole = splitter_.Split(line, cells_);
  if (whole.ok() && !*whole) return false;
  absl::Status status = whole.status();
  if (status.ok()) status = CheckUtf8(splitter_.record());
  if (!header_read_) {
    // Without a header, the rest of the file is meaningless.
    if (!status.ok()) return absl::FailedPreconditionError(status.message());
    if (status = ReadHeader(); !status.ok()) return status;
    header_read_ = true;
    return false;
  }
  if (status.ok()) status = ParseRow(builder);
  if (!status.ok()) {
    builder.AbandonRow();
    return status;
  }
  return true;
}

// Sets the delimiter, unless the options name it. Returns whether `line` comes before the header
// and only declares the delimiter.
bool CsvFormat::FindDelimiter(std::string_view line) {
  const std::optional<std::string> declared = DeclaredDelimiter(line);
  delimiter_declared_ = declared.has_value();
  if (options_.delimiter.empty()) splitter_.SetDelimiter(declared ? *declared : DelimiterOf(line));
  return delimiter_declared_;
}

absl::Status CsvFormat::ReadHeader() {
  columns_.clear();
  for (const CsvCell& cell : cells_) {
    const uint32_t hash = HashNamespace(cell.text);
    columns_.push_back(
        {std::string(cell.text), Role::kCategory, hash, HashFeature(cell.text, hash)});
  }
  if (absl::Status status = SetLabelAndWeight(); !status.ok()) return status;
  for (const std::string& name : options_.numeric_fields) {
    if (absl::Status s = SetRole(name, Role::kNumber, "--numeric"); !s.ok()) return s;
  }
  for (const std::string& name : options_.ignore_fields) {
    if (absl::Status s = SetRole(name, Role::kIgnored, "--ignore"); !s.ok()) return s;
  }
  time_features_.reset();
  if (!options_.time_features_field.empty()) {
    const std::string& name = options_.time_features_field;
    if (absl::Status s = SetRole(name, Role::kTime, "--time-features"); !s.ok()) return s;
    time_features_.emplace(HashNamespace(name));
  }
  return absl::OkStatus();
}

// Assigns the roles of label and weight. Files to predict need neither column.
absl::Status CsvFormat::SetLabelAndWeight() {
  const std::string_view label =
      options_.label_field.empty() ? kDefaultLabelColumn : options_.label_field;
  if (HasColumn(label)) {
    if (absl::Status status = SetRole(label, Role::kLabel, "--label"); !status.ok()) return status;
  } else if (options_.labels_required) {
    const std::string names = ColumnNames();
    const bool may_be_split_wrongly =
        columns_.size() == 1 || names.find_first_of(";\t|") != std::string::npos;
    return HeaderError(StrCat(
        "the header has no label column ", Quoted(label),
        "; name it with --label; the columns are: ", names,
        may_be_split_wrongly ? StrCat("; cells are separated by ", Quoted(splitter_.delimiter()),
                                      " unless --delimiter says otherwise")
                             : ""));
  }
  const std::string& weight = options_.weight_field;
  if (weight.empty() || (!options_.labels_required && !HasColumn(weight))) {
    return absl::OkStatus();
  }
  return SetRole(weight, Role::kWeight, "--weight");
}

absl::Status CsvFormat::SetRole(std::string_view name, Role role, std::string_view option) {
  bool found = false;
  for (Column& column : columns_) {
    if (column.name != name) continue;
    if (column.role != Role::kCategory && column.role != role) {
      return HeaderError(
          StrCat(option, " names column ", Quoted(name), ", which another option already uses"));
    }
    if (found && (role == Role::kLabel || role == Role::kWeight)) {
      return HeaderError(StrCat("the header has more than one ",
                                role == Role::kLabel ? "label" : "weight", " column ",
                                Quoted(name)));
    }
    column.role = role;
    found = true;
  }
  if (found) return absl::OkStatus();
  return HeaderError(StrCat(option, " names column ", Quoted(name),
                            ", which the header does not have; the columns are: ", ColumnNames()));
}

bool CsvFormat::HasColumn(std::string_view name) const {
  return std::any_of(columns_.begin(), columns_.end(),
                     [name](const Column& column) { return column.name == name; });
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
    return ParseError(column,
                      StrCat("the row has ", cells_.size(), cells_.size() == 1 ? " cell" : " cells",
                             ", but the header has ", columns_.size()));
  }
  float label = 0;
  float weight = 1;
  builder.BeginRow(label, weight);
  for (size_t i = 0; i < columns_.size(); ++i) {
    const Column& column = columns_[i];
    const CsvCell& cell = cells_[i];
    if (column.role == Role::kCategory) {
      const size_t index = builder.Namespace(column.name);
      if (cell.text.empty() || missing_.IsGiven(cell.text)) continue;
      builder.AddFeature(index, cell.text, HashFeature(cell.text, column.namespace_hash), 1);
      continue;
    }
    if (column.role == Role::kIgnored) continue;
    absl::Status status = column.role == Role::kLabel    ? ParseLabel(column, cell, label)
                          : column.role == Role::kWeight ? ParseWeight(column, cell, weight)
                                                         : AddFeatures(column, cell, builder);
    if (!status.ok()) return status;
  }
  builder.SetLabelAndWeight(label, weight);
  builder.EndRow();
  return absl::OkStatus();
}

// Adds the features of a cell in a numeric column or a time column.
absl::Status CsvFormat::AddFeatures(const Column& column, const CsvCell& cell,
                                    ExampleBatchBuilder& builder) const {
  const size_t index = builder.Namespace(column.name);
  if (missing_.IsGiven(cell.text)) return absl::OkStatus();
  const std::string_view text = TrimBlanks(cell.text);
  if (column.role == Role::kNumber) {
    float value = 0;
    if (ParseFiniteFloat(text, value, options_.decimal_mark)) {
      builder.AddFeature(index, column.name, column.number_id, value);
      return absl::OkStatus();
    }
  } else {
    CivilTime time{};
    if (times_.Read(text, time)) {
      time_features_->Add(time, index, builder);
      return absl::OkStatus();
    }
  }
  if (text.empty() || missing_.IsUsual(text)) return absl::OkStatus();
  if (column.role == Role::kNumber) {
    return ParseError(
        cell.column,
        StrCat("numeric column ", Quoted(column.name), " has ", Quoted(cell.text),
               "; it must be a finite number or empty; ", NumberHint(text, options_.decimal_mark)));
  }
  return ParseError(cell.column,
                    StrCat("time column ", Quoted(column.name), " has ", Quoted(cell.text),
                           "; it must be empty, or ", times_.Allowed()));
}

absl::Status CsvFormat::ParseLabel(const Column& column, const CsvCell& cell, float& label) const {
  const bool missing = TrimBlanks(cell.text).empty() || missing_.IsGiven(cell.text);
  if (!missing && labels_.Read(cell.text, label)) return absl::OkStatus();
  if (!options_.labels_required) {
    label = 0;
    return absl::OkStatus();
  }
  return ParseError(cell.column, StrCat("label column ", Quoted(column.name),
                                        missing ? std::string(" is empty")
                                                : StrCat(" has ", labels_.Complaint(cell.text))));
}

absl::Status CsvFormat::ParseWeight(const Column& column, const CsvCell& cell,
                                    float& weight) const {
  if (!options_.labels_required) return absl::OkStatus();
  if (ParseFiniteFloat(TrimBlanks(cell.text), weight, options_.decimal_mark) && weight >= 0) {
    return absl::OkStatus();
  }
  return ParseError(cell.column,
                    StrCat("weight column ", Quoted(column.name), " has ", Quoted(cell.text),
                           "; it must be a finite number of at least 0"));
}

}  // namespace freshet
