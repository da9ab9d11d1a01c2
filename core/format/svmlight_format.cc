#include "core/format/svmlight_format.h"

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <system_error>

#include "core/base/str_cat.h"
#include "core/format/number.h"
#include "core/format/parse_error.h"

namespace freshet {
namespace {

constexpr std::string_view kQueryId = "qid:";

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

const char* SkipBlanks(const char* p, const char* end) {
  while (p != end && IsBlank(*p)) ++p;
  return p;
}

std::string_view TokenAt(const char* p, const char* end) {
  const char* stop = p;
  while (stop != end && !IsBlank(*stop)) ++stop;
  return {p, static_cast<size_t>(stop - p)};
}

}  // namespace

absl::Status SvmlightFormat::ErrorAt(const char* position, std::string_view message) const {
  return ParseError(static_cast<size_t>(position - line_.data()) + 1, message);
}

absl::StatusOr<std::unique_ptr<SvmlightFormat>> SvmlightFormat::Make(const FormatOptions& options) {
  absl::StatusOr<LabelReader> labels = LabelReader::Make({.positive = options.positive});
  if (!labels.ok()) return labels.status();
  return std::unique_ptr<SvmlightFormat>(new SvmlightFormat(
      *std::move(labels), options.labels_required, !options.weight_field.empty()));
}

void SvmlightFormat::BeginFile(std::string_view /*path*/) { had_plain_label_ = false; }

absl::StatusOr<bool> SvmlightFormat::ParseLine(std::string_view line,
                                               ExampleBatchBuilder& builder) {
  line_ = line.substr(0, line.find('#'));
  if (absl::Status status = CheckUtf8(line_); !status.ok()) return status;
  const char* const end = line_.data() + line_.size();
  const char* cursor = SkipBlanks(line_.data(), end);
  if (cursor == end) return false;

  float label = 0;
  float weight = 1;
  if (absl::Status status = ParseLabel(cursor, end, label, weight); !status.ok()) return status;
  builder.BeginRow(label, weight);
  const size_t index = builder.Namespace("");
  for (cursor = SkipBlanks(cursor, end); cursor != end; cursor = SkipBlanks(cursor, end)) {
    if (absl::Status status = ParsePair(cursor, end, index, builder); !status.ok()) {
      builder.AbandonRow();
      return status;
    }
  }
  builder.EndRow();
  return true;
}

// Moves `cursor` past the label or label:weight, if the row has one.
absl::Status SvmlightFormat::ParseLabel(const char*& cursor, const char* end, float& label,
                                        float& weight) {
  const std::string_view token = TokenAt(cursor, end);
  const size_t colon = token.find(':');
  const std::string_view text = token.substr(0, colon);
  if (colon != std::string_view::npos) {
    const bool may_be_pair =
        text == "qid" || text.find_first_not_of("0123456789") == std::string_view::npos;
    if (!labels_required_ && !always_weighted_ && may_be_pair) return absl::OkStatus();
    if (text == "qid" || (had_plain_label_ && !always_weighted_)) {
      return ErrorAt(cursor,
                     "the label is missing; a row to learn from starts with one, as in '1 3:0.5'; "
                     "with an importance weight, as in '1:2.5 3:0.5', all rows of a file need one");
    }
    const std::string_view weight_text = token.substr(colon + 1);
    if (!ParseFiniteFloat(weight_text, weight) || weight < 0) {
      return ErrorAt(cursor + colon + 1,
                     StrCat("importance weight ", Quoted(weight_text), " after label ",
                            Quoted(text), " is not a finite number of at least 0"));
    }
  }
  if (!labels_.Read(text, label)) {
    return ErrorAt(cursor, StrCat("the label is ", labels_.Complaint(text)));
  }
  had_plain_label_ |= colon == std::string_view::npos;
  cursor += token.size();
  return absl::OkStatus();
}

// Moves `cursor` past one index:value, which is added to the namespace `index`, or past a query id.
absl::Status SvmlightFormat::ParsePair(const char*& cursor, const char* end, size_t index,
                                       ExampleBatchBuilder& builder) const {
  const char* p = cursor;
  const std::string_view rest(p, static_cast<size_t>(end - p));
  uint32_t id = 0;
  if (rest.starts_with(kQueryId)) {
    const std::string_view token = TokenAt(p, end);
    uint64_t query = 0;
    const auto [stop, error] =
        std::from_chars(p + kQueryId.size(), token.data() + token.size(), query);
    if (error != std::errc() || stop != token.data() + token.size()) {
      return ErrorAt(p, StrCat(Quoted(token), " must be qid: and a whole number"));
    }
    cursor = stop;
    return absl::OkStatus();
  }
  const auto [index_end, error] = std::from_chars(p, end, id);
  if (error == std::errc::result_out_of_range) {
    return ErrorAt(p, StrCat("index ", Quoted(TokenAt(p, end)), " is larger than 4294967295"));
  }
  const char* const mark = error == std::errc() ? SkipBlanks(index_end, end) : end;
  if (mark == end || *mark != ':') {
    return ErrorAt(p, StrCat(Quoted(TokenAt(p, end)),
                             " is not a feature; it must be index:value, with a whole index"));
  }
  p = SkipBlanks(mark + 1, end);
  double number = 0;
  const char* const stop = ScanNumber(p, end, number);
  const auto value = static_cast<float>(number);
  if (stop == p || (stop != end && !IsBlank(*stop)) || !std::isfinite(value)) {
    return ErrorAt(p, StrCat("value ", Quoted(TokenAt(p, end)), " of feature ", id,
                             " is not a finite number"));
  }
  builder.AddFeature(index, id, value);
  cursor = stop;
  return absl::OkStatus();
}

}  // namespace freshet
