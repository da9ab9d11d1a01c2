#include "client/command/feedback_reader.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "client/command/event_rows.h"
#include "client/command/exit_code.h"
#include "core/base/str_cat.h"
#include "core/format/number.h"
#include "core/format/parse_error.h"

namespace freshet {
namespace {

constexpr std::string_view kEventIdField = "event_id";
constexpr std::string_view kNameField = "name";
constexpr std::string_view kValueField = "value";
constexpr std::string_view kTimeField = "time";
constexpr std::string_view kFeedbackIdField = "feedback_id";
constexpr std::string_view kWithdrawField = "withdraw";

std::string_view FieldOr(const std::optional<std::string>& given, std::string_view usual) {
  return given ? std::string_view(*given) : usual;
}

// Rows are read by the parsers of examples, which must make no features of what they do not know.
// Other columns of a table become categories, which nobody looks at.
InputOptions InputFor(InputOptions input, const FeedbackFields& fields) {
  input.parse.labels_required = false;
  InputMapping mapping;
  for (const std::string_view field :
       {FieldOr(fields.event_id, kEventIdField), kNameField, FieldOr(fields.value, kValueField),
        FieldOr(fields.time, kTimeField), kFeedbackIdField, kWithdrawField}) {
    if (mapping.Find(field) != nullptr) continue;
    mapping.fields.push_back({std::string(field), FieldRole::kIgnored});
  }
  input.choose_mapping = [mapping](std::string_view /*path*/, std::string_view format,
                                   const std::vector<std::string>& /*lines*/)
      -> absl::StatusOr<std::optional<InputMapping>> {
    InputMapping chosen = mapping;
    chosen.ignore_unlisted = format == "jsonl";
    return chosen;
  };
  return input;
}

std::optional<bool> ParseYesNo(std::string_view text) {
  for (const std::string_view yes : {"true", "1", "yes", "True", "TRUE"}) {
    if (text == yes) return true;
  }
  for (const std::string_view no : {"false", "0", "no", "False", "FALSE"}) {
    if (text == no) return false;
  }
  return std::nullopt;
}

}  // namespace

FeedbackReader::FeedbackReader(const InputOptions& input, FeedbackFields fields, TimeReader time,
                               const std::atomic<bool>* stop)
    : fields_(std::move(fields)), time_(std::move(time)), rows_(InputFor(input, fields_), stop) {}

absl::StatusOr<bool> FeedbackReader::Next(v1::FeedbackItem& item) {
  row_.Clear();
  absl::StatusOr<bool> row = rows_.Next(row_);
  if (!row.ok() || !*row) return row;
  if (rows_.path() != path_) {
    path_ = rows_.path();
    absent_.clear();
  }
  item.Clear();
  if (absl::Status status = ReadItem(item); !status.ok()) return status;
  return true;
}

absl::Status FeedbackReader::ReadItem(v1::FeedbackItem& item) {
  const std::string_view id_field = FieldOr(fields_.event_id, kEventIdField);
  const absl::StatusOr<Text> id = ReadField(id_field, "--event-id");
  if (!id.ok()) return id.status();
  if (!id->has_value()) return BadField(id_field, "", "1 to 128 bytes");
  item.set_event_id(**id);

  item.set_name(fields_.name);
  if (fields_.name.empty()) {
    const absl::StatusOr<Text> name = ReadField(kNameField, "");
    if (!name.ok()) return name.status();
    if (name->has_value()) item.set_name(**name);
  }
  const std::string_view value_field = FieldOr(fields_.value, kValueField);
  const absl::StatusOr<Text> value = ReadField(value_field, fields_.value ? "--value" : "");
  if (!value.ok()) return value.status();
  if (value->has_value()) {
    float number = 0;
    if (**value == "true" || **value == "false") {
      number = **value == "true" ? 1.0F : 0.0F;
    } else if (!ParseFiniteFloat(**value, number)) {
      return BadField(value_field, **value, "a finite number");
    }
    item.set_value(number);
  }
  const std::string_view time_field = FieldOr(fields_.time, kTimeField);
  const absl::StatusOr<Text> time = ReadField(time_field, fields_.time ? "--time" : "");
  if (!time.ok()) return time.status();
  if (time->has_value()) {
    const absl::StatusOr<int64_t> ms = ParseEventTime(time_, time_field, **time);
    if (!ms.ok()) {
      return absl::InvalidArgumentError(StrCat(RowPlace(), ": ", ToStd(ms.status().message())));
    }
    item.set_time_ms(*ms);
  }
  const absl::StatusOr<Text> feedback_id = ReadField(kFeedbackIdField, "");
  if (!feedback_id.ok()) return feedback_id.status();
  if (feedback_id->has_value()) item.set_feedback_id(**feedback_id);
  const absl::StatusOr<Text> withdraw = ReadField(kWithdrawField, "");
  if (!withdraw.ok()) return withdraw.status();
  if (withdraw->has_value()) {
    const std::optional<bool> yes = ParseYesNo(**withdraw);
    if (!yes) return BadField(kWithdrawField, **withdraw, "true or false");
    item.set_withdraw(*yes);
  }
  return absl::OkStatus();
}

// The text of a field of the last row; nothing if it is absent or empty. `flag`: the one that names
// the field, if the table must have it.
absl::StatusOr<FeedbackReader::Text> FeedbackReader::ReadField(std::string_view field,
                                                               std::string_view flag) {
  if (std::find(absent_.begin(), absent_.end(), field) != absent_.end()) return std::nullopt;
  absl::StatusOr<std::optional<FieldText>> found = rows_.Field(field);
  if (found.ok()) {
    if (!found->has_value()) return std::nullopt;
    std::string text(TrimBlanks((*found)->text));
    if (text.empty()) return std::nullopt;
    return text;
  }
  if (flag.empty()) {
    absent_.emplace_back(field);
    return std::nullopt;
  }
  return DataError(StrCat(RowPlace(), ": feedback has no field ", Quoted(field),
                          "; name the right one with ", flag,
                          ", and give csv or tsv with a header, or jsonl"));
}

absl::Status FeedbackReader::BadField(std::string_view field, std::string_view text,
                                      std::string_view allowed) {
  return absl::InvalidArgumentError(
      StrCat(RowPlace(), ": field ", Quoted(field),
             text.empty() ? std::string(" is missing or empty") : StrCat(" has ", Quoted(text)),
             "; it must be ", allowed));
}

std::string FeedbackReader::RowPlace() const {
  return StrCat(rows_.path() == "-" ? "stdin" : rows_.path(), ":", rows_.line_number());
}

}  // namespace freshet
