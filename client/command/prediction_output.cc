#include "client/command/prediction_output.h"

#include <algorithm>
#include <utility>

#include "client/command/exit_code.h"
#include "core/base/json_object.h"
#include "core/base/str_cat.h"
#include "core/cli/suggest.h"

namespace freshet {
namespace {

constexpr std::string_view kPrediction = "prediction";
constexpr std::string_view kScore = "score";
constexpr std::string_view kEventId = "event_id";

// The id of a row's event; empty if the row was not logged.
std::string_view EventIdOf(const Predictions& answer, size_t row) {
  return row < answer.event_ids.size() ? std::string_view(answer.event_ids[row])
                                       : std::string_view();
}

}  // namespace

absl::StatusOr<PredictionOutput> PredictionOutput::Make(Options options) {
  const auto bad = [](std::string_view text) { return absl::InvalidArgumentError(ToAbsl(text)); };
  Form form = options.json ? Form::kJson : Form::kPlain;
  if (options.output == "csv") form = Form::kCsv;
  if (options.output == "jsonl") form = Form::kJsonl;
  if (!options.output.empty() && form != Form::kCsv && form != Form::kJsonl) {
    return bad(NotOneOf("output", options.output, {"csv", "jsonl"}));
  }
  if (options.json && !options.output.empty()) {
    return bad("--json and --output cannot be combined: each says how rows are printed");
  }
  if (options.output.empty() && !options.keep.empty()) {
    return bad("--keep needs --output csv or --output jsonl");
  }
  for (const std::string& name : options.keep) {
    if (name == kPrediction || name == kScore || (options.event_ids && name == kEventId)) {
      return bad(StrCat("--keep ", name, ": the output has a column of its own with this name"));
    }
    if (std::count(options.keep.begin(), options.keep.end(), name) > 1) {
      return bad(StrCat("--keep names ", name, " twice"));
    }
  }
  return PredictionOutput(form, std::move(options.keep), options.event_ids);
}

std::string PredictionOutput::MissingHeader() {
  if (form_ != Form::kCsv || std::exchange(has_header_, true)) return "";
  std::string header;
  for (const std::string& name : keep_) header += StrCat(CsvCellText(name), ",");
  return StrCat(header, kPrediction, ",", kScore, event_ids_ ? StrCat(",", kEventId) : "", "\n");
}

absl::Status PredictionOutput::NoteRow(ExampleReader& reader) {
  std::vector<Field> fields;
  for (const std::string& name : keep_) {
    absl::StatusOr<Field> field = reader.Field(name);
    if (!field.ok()) return DataError(ToStd(field.status().message()));
    fields.push_back(*std::move(field));
  }
  fields_.push_back(std::move(fields));
  tags_.emplace_back(reader.tag());
  return absl::OkStatus();
}

std::string PredictionOutput::Rows(const Predictions& answer) {
  const size_t count = answer.predictions.size();
  std::string text = MissingHeader();
  for (size_t row = 0; row < count; ++row) {
    switch (form_) {
      case Form::kPlain:
        text += PlainRow(answer, row);
        break;
      case Form::kCsv:
        text += CsvRow(answer, row);
        break;
      case Form::kJson:
        text += JsonRow(answer, row);
        break;
      case Form::kJsonl:
        text += JsonlRow(answer, row);
        break;
    }
    text += "\n";
  }
  tags_.erase(tags_.begin(), tags_.begin() + static_cast<std::ptrdiff_t>(count));
  fields_.erase(fields_.begin(), fields_.begin() + static_cast<std::ptrdiff_t>(count));
  return text;
}

std::string PredictionOutput::PlainRow(const Predictions& answer, size_t row) const {
  // The tag is the event's id, if the row has one.
  const std::string_view last = event_ids_ ? EventIdOf(answer, row) : tags_[row];
  return StrCat(ShortestNumber(answer.predictions[row]), " ", ShortestNumber(answer.scores[row]),
                last.empty() ? "" : " ", last);
}

std::string PredictionOutput::CsvRow(const Predictions& answer, size_t row) const {
  std::string text;
  for (const Field& field : fields_[row]) {
    text += StrCat(field.has_value() ? CsvCellText(field->text) : "", ",");
  }
  return StrCat(text, ShortestNumber(answer.predictions[row]), ",",
                ShortestNumber(answer.scores[row]),
                event_ids_ ? StrCat(",", CsvCellText(EventIdOf(answer, row))) : "");
}

std::string PredictionOutput::JsonRow(const Predictions& answer, size_t row) const {
  JsonObject object;
  object.Add(kPrediction, answer.predictions[row]).Add(kScore, answer.scores[row]);
  object.Add("offset", answer.offset);
  if (!tags_[row].empty()) object.Add("tag", tags_[row]);
  if (event_ids_) object.Add("eventId", EventIdOf(answer, row));
  return object.ToString();
}

std::string PredictionOutput::JsonlRow(const Predictions& answer, size_t row) const {
  JsonObject object;
  for (size_t i = 0; i < keep_.size(); ++i) {
    const Field& field = fields_[row][i];
    if (!field.has_value()) {
      object.AddJson(keep_[i], "null");
    } else if (field->is_json) {
      object.AddJson(keep_[i], field->text);
    } else {
      object.Add(keep_[i], field->text);
    }
  }
  object.Add(kPrediction, answer.predictions[row]).Add(kScore, answer.scores[row]);
  if (event_ids_) object.Add(kEventId, EventIdOf(answer, row));
  return object.ToString();
}

std::string CsvCellText(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  const bool plain = text.find_first_of(",\"\r\n") == std::string_view::npos &&
                     (text.empty() || (!is_blank(text.front()) && !is_blank(text.back())));
  if (plain) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

}  // namespace freshet
