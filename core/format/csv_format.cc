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

absl::Status HeaderError(std::string_view message) {
  return absl::FailedPreconditionError(StrCat("column 1: ", message));
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

absl::StatusOr<std::unique_ptr<CsvFormat>> CsvFormat::Make(const FormatOptions& options,
                                                           std::string_view delimiter) {
  absl::StatusOr<std::shared_ptr<const PreparedInput>> input = PrepareInput(options);
  if (!input.ok()) return input.status();
  const std::string& own = (*input)->rules.delimiter;
  if (absl::Status status = CheckDelimiter(own); !status.ok()) return status;
  return std::unique_ptr<CsvFormat>(new CsvFormat(options.labels_required, *std::move(input),
                                                  own.empty() ? std::string(delimiter) : own));
}

CsvFormat::CsvFormat(bool labels_required, std::shared_ptr<const PreparedInput> input,
                     std::string delimiter)
    : labels_required_(labels_required),
      input_(std::move(input)),
      delimiter_(std::move(delimiter)),
      missing_(rules_.missing),
      splitter_(delimiter_.empty() ? "," : delimiter_, rules_.keep_blanks) {}

void CsvFormat::BeginFile(std::string_view /*path*/) {
  splitter_.Reset();
  header_read_ = false;
  delimiter_declared_ = false;
  ForgetWarnings();
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
  if (delimiter_.empty()) splitter_.SetDelimiter(declared ? *declared : GuessDelimiter(line));
  return delimiter_declared_;
}

absl::Status CsvFormat::ReadHeader() {
  columns_.clear();
  for (const CsvCell& cell : cells_) {
    Column column;
    column.name = cell.text;
    column.feature_namespace = cell.text;
    columns_.push_back(std::move(column));
  }
  if (absl::Status status = SetRoles(); !status.ok()) return status;
  for (Column& column : columns_) {
    column.namespace_hash = HashNamespace(column.feature_namespace);
    column.number_id = HashFeature(column.name, column.namespace_hash);
  }
  return absl::OkStatus();
}

absl::Status CsvFormat::SetRoles() {
  for (const FieldInRole& field : roles_.fields()) {
    if (absl::Status status = SetRole(field); !status.ok()) return status;
  }
  if (roles_.unlisted() == FieldRole::kIgnored) LeaveOutUnlisted();
  return absl::OkStatus();
}

absl::Status CsvFormat::SetRole(const FieldInRole& field) {
  bool found = false;
  for (Column& column : columns_) {
    if (column.name != field.field) continue;
    if (column.role != FieldRole::kByType && column.role != field.role) {
      return HeaderError(StrCat(field.flag, " names column ", Quoted(column.name),
                                ", which another option already uses"));
    }
    if (found && (field.role == FieldRole::kLabel || field.role == FieldRole::kWeight)) {
      return HeaderError(StrCat("the header has more than one ", FieldRoleName(field.role),
                                " column ", Quoted(column.name)));
    }
    column.role = field.role == FieldRole::kByType ? FieldRole::kCategory : field.role;
    column.flag = field.flag;
    column.time = field.time;
    column.is_prefixed = !field.feature_namespace.empty();
    if (column.is_prefixed) column.feature_namespace = field.feature_namespace;
    found = true;
  }
  return found ? absl::OkStatus() : Lack(field);
}

absl::Status CsvFormat::Lack(const FieldInRole& field) {
  const bool for_learning = field.role == FieldRole::kLabel || field.role == FieldRole::kWeight;
  if (for_learning && !labels_required_) return absl::OkStatus();
  if (field.role == FieldRole::kLabel) return NoLabelColumn();
  if (!field.flag.empty() || for_learning) {
    return HeaderError(
        StrCat(field.flag.empty() ? std::string_view("the model's input mapping") : field.flag,
               " names column ", Quoted(field.field),
               ", which the header does not have; the columns are: ", ColumnNames()));
  }
  // Columns that are left out anyway are not missed.
  if (field.role == FieldRole::kIgnored || field.role == FieldRole::kEventId) {
    return absl::OkStatus();
  }
  Warn(StrCat("the header has no column ", Quoted(field.field),
              ", which the model's input mapping lists as ", FieldRoleName(field.role),
              "; rows go without it; the columns are: ", ColumnNames()));
  return absl::OkStatus();
}

absl::Status CsvFormat::NoLabelColumn() const {
  const std::string names = ColumnNames();
  const bool may_be_split_wrongly =
      columns_.size() == 1 || names.find_first_of(";\t|") != std::string::npos;
  return HeaderError(StrCat("the header has no label column ", Quoted(roles_.label_field()),
                            "; name it with --label; the columns are: ", names,
                            may_be_split_wrongly
                                ? StrCat("; cells are separated by ", Quoted(splitter_.delimiter()),
                                         " unless --delimiter says otherwise")
                                : ""));
}

void CsvFormat::LeaveOutUnlisted() {
  for (Column& column : columns_) {
    if (column.role != FieldRole::kByType) continue;
    column.role = FieldRole::kIgnored;
    if (column.name.empty()) continue;  // Usually the row numbers that some programs write.
    Warn(StrCat("column ", Quoted(column.name),
                " is not in the model's input mapping and is left out; 'freshet models update' "
                "with --map ",
                Quoted(StrCat(column.name, "=category")), " adds it"));
  }
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
  tag_.clear();
  float label = 0;
  float weight = 1;
  builder.BeginRow(label, weight);
  for (size_t i = 0; i < columns_.size(); ++i) {
    const Column& column = columns_[i];
    const CsvCell& cell = cells_[i];
    if (column.role == FieldRole::kIgnored) continue;
    absl::Status status = column.role == FieldRole::kLabel    ? ParseLabel(column, cell, label)
                          : column.role == FieldRole::kWeight ? ParseWeight(column, cell, weight)
                                                              : AddCell(column, cell, builder);
    if (!status.ok()) return status;
  }
  builder.SetLabelAndWeight(label, weight);
  builder.EndRow();
  return absl::OkStatus();
}

absl::Status CsvFormat::AddCell(const Column& column, const CsvCell& cell,
                                ExampleBatchBuilder& builder) {
  if (column.role == FieldRole::kEventId) {
    tag_ = cell.text;
    return absl::OkStatus();
  }
  const size_t index = builder.Namespace(column.feature_namespace);
  if (column.role == FieldRole::kNumber || column.role == FieldRole::kTime) {
    return AddFeatures(column, cell, index, builder);
  }
  if (cell.text.empty() || missing_.IsGiven(cell.text)) return absl::OkStatus();
  if (column.role != FieldRole::kText) {
    AddCategory(column, cell.text, index, builder);
    return absl::OkStatus();
  }
  words_.Begin(cell.text);
  for (std::string_view word; words_.Next(word);) AddCategory(column, word, index, builder);
  return absl::OkStatus();
}

void CsvFormat::AddCategory(const Column& column, std::string_view text, size_t index,
                            ExampleBatchBuilder& builder) {
  if (column.is_prefixed) {
    feature_name_.assign(column.name).append("=").append(text);
    text = feature_name_;
  }
  builder.AddFeature(index, text, HashFeature(text, column.namespace_hash), 1);
}

// Adds the features of a cell in a numeric column or a time column.
absl::Status CsvFormat::AddFeatures(const Column& column, const CsvCell& cell, size_t index,
                                    ExampleBatchBuilder& builder) const {
  if (missing_.IsGiven(cell.text)) return absl::OkStatus();
  const std::string_view text = TrimBlanks(cell.text);
  if (column.role == FieldRole::kNumber) {
    float value = 0;
    if (ParseFiniteFloat(text, value, rules_.decimal_mark)) {
      builder.AddFeature(index, column.name, column.number_id, value);
      return absl::OkStatus();
    }
  } else {
    CivilTime time{};
    if (column.time->reader.Read(text, time)) {
      column.time->features.Add(time, index, builder);
      return absl::OkStatus();
    }
  }
  if (text.empty() || missing_.IsUsual(text)) return absl::OkStatus();
  if (column.role == FieldRole::kNumber) {
    return ParseError(
        cell.column,
        StrCat("numeric column ", Quoted(column.name), " has ", Quoted(cell.text),
               "; it must be a finite number or empty; ", NumberHint(text, rules_.decimal_mark)));
  }
  return ParseError(cell.column,
                    StrCat("time column ", Quoted(column.name), " has ", Quoted(cell.text),
                           "; it must be empty, or ", column.time->reader.Allowed()));
}

absl::Status CsvFormat::ParseLabel(const Column& column, const CsvCell& cell, float& label) const {
  const bool missing = TrimBlanks(cell.text).empty() || missing_.IsGiven(cell.text);
  if (!missing && labels_.Read(cell.text, label)) return absl::OkStatus();
  if (!labels_required_) {
    label = 0;
    return absl::OkStatus();
  }
  return ParseError(cell.column, StrCat("label column ", Quoted(column.name),
                                        missing ? std::string(" is empty")
                                                : StrCat(" has ", labels_.Complaint(cell.text))));
}

absl::Status CsvFormat::ParseWeight(const Column& column, const CsvCell& cell,
                                    float& weight) const {
  if (!labels_required_ && !input_->is_event) return absl::OkStatus();
  if (ParseFiniteFloat(TrimBlanks(cell.text), weight, rules_.decimal_mark) && weight >= 0) {
    return absl::OkStatus();
  }
  return ParseError(cell.column,
                    StrCat("weight column ", Quoted(column.name), " has ", Quoted(cell.text),
                           "; it must be a finite number of at least 0"));
}

}  // namespace freshet
