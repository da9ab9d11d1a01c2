#include "core/format/input_sample.h"

#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "core/base/str_cat.h"
#include "core/format/csv_record.h"
#include "core/format/number.h"
#include "core/format/parse_error.h"
#include "core/format/text_words.h"

namespace freshet {
namespace {

// Fields of a JSON sample beyond these are passed over: such keys are data rather than names.
constexpr size_t kMaxSampledFields = 4096;
constexpr size_t kMaxSampledDepth = 32;
// Values longer than this are cut where they are kept.
constexpr size_t kMaxKeptBytes = 256;
constexpr size_t kMaxOddWords = 16;
// Whole numbers with more digits are codes: phone numbers, bar codes, 64-bit ids.
constexpr size_t kMaxDigits = 9;

bool IsWhole(std::string_view text) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool IsCode(std::string_view text) {
  return IsWhole(text) && ((text.size() > 1 && text.front() == '0') || text.size() > kMaxDigits);
}

size_t CountWords(std::string_view text) {
  TextWords words;
  words.Begin(text);
  size_t count = 0;
  for (std::string_view word; words.Next(word);) ++count;
  return count;
}

}  // namespace

const std::array<std::string_view, 12>& TimePatterns() {
  static constexpr std::array<std::string_view, 12> kPatterns = {
      "%d.%m.%Y",          "%d.%m.%Y %H:%M",    "%d.%m.%Y %H:%M:%S", "%m/%d/%Y",
      "%m/%d/%Y %H:%M",    "%m/%d/%Y %H:%M:%S", "%d/%m/%Y",          "%d/%m/%Y %H:%M",
      "%d/%m/%Y %H:%M:%S", "%d-%m-%Y",          "%d-%m-%Y %H:%M",    "%d-%m-%Y %H:%M:%S"};
  return kPatterns;
}

InputSample::InputSample(std::string_view format, const FormatOptions& options)
    : is_table_(format != "jsonl"),
      rules_(TextRulesOf(options)),
      missing_(rules_.missing),
      times_(*TimeReader::Make("")),
      delimiter_(rules_.delimiter.empty() && format == "tsv" ? "\t" : rules_.delimiter) {
  for (const std::string_view pattern : TimePatterns()) {
    patterns_.push_back(*TimeReader::Make(pattern));
  }
}

const FieldStats* InputSample::Find(std::string_view field) const {
  const auto found = indices_.find(std::string(field));
  return found == indices_.end() ? nullptr : &fields_[found->second];
}

FieldStats& InputSample::FieldAt(std::string_view field) {
  const auto [found, added] = indices_.emplace(field, fields_.size());
  if (added) {
    fields_.emplace_back();
    fields_.back().field = field;
  }
  return fields_[found->second];
}

void InputSample::PassOver(size_t line, const absl::Status& error) {
  if (!first_error_.ok()) return;
  first_error_ = absl::InvalidArgumentError(StrCat("line ", line, ": ", ToStd(error.message())));
}

void InputSample::AddLines(const std::vector<std::string>& lines) {
  if (is_table_) {
    AddTable(lines);
  } else {
    AddObjects(lines);
  }
}

void InputSample::AddTable(const std::vector<std::string>& lines) {
  CsvSplitter splitter(delimiter_.empty() ? "," : delimiter_, rules_.keep_blanks);
  std::vector<CsvCell> cells;
  std::vector<std::string> header;
  bool declared = false;
  size_t number = 0;
  for (std::string_view line : lines) {
    ++number;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (!splitter.within_record() && splitter.IsBlank(line)) continue;
    if (header.empty() && !splitter.within_record() && !declared) {
      const std::optional<std::string> named = DeclaredDelimiter(line);
      declared = named.has_value();
      if (delimiter_.empty()) splitter.SetDelimiter(named ? *named : GuessDelimiter(line));
      if (declared) continue;
    }
    const absl::StatusOr<bool> whole = splitter.Split(line, cells);
    if (whole.ok() && !*whole) continue;
    const absl::Status readable = whole.ok() ? CheckUtf8(splitter.record()) : whole.status();
    if (!readable.ok()) {
      PassOver(number, readable);
      if (header.empty()) break;
      continue;
    }
    if (header.empty()) {
      for (const CsvCell& cell : cells) {
        header.emplace_back(cell.text);
        FieldAt(cell.text);
      }
      continue;
    }
    if (cells.size() != header.size()) {
      PassOver(number,
               absl::InvalidArgumentError(StrCat("the row has ", cells.size(),
                                                 " cells, but the header has ", header.size())));
      continue;
    }
    ++row_count_;
    for (size_t i = 0; i < cells.size(); ++i) {
      FieldStats& stats = FieldAt(header[i]);
      const size_t before = stats.value_count;
      AddValue(stats, cells[i].text, /*is_json_number=*/false);
      stats.row_count += stats.value_count - before;
    }
  }
  delimiter_ = splitter.delimiter();
}

void InputSample::AddObjects(const std::vector<std::string>& lines) {
  simdjson::dom::parser parser;
  size_t number = 0;
  for (const std::string& line : lines) {
    ++number;
    if (TrimBlanks(line).empty()) continue;
    simdjson::dom::object object;
    const simdjson::error_code error = parser.parse(line).get_object().get(object);
    if (error != simdjson::SUCCESS) {
      PassOver(number, absl::InvalidArgumentError(simdjson::error_message(error)));
      continue;
    }
    ++row_count_;
    for (const auto& [key, value] : object) {
      has_named_namespaces_ |= key == "namespaces" && value.is_array();
      AddElement(value, {std::string(key), false}, 0);
    }
  }
}

template <typename Element>
void InputSample::AddElement(Element element, const Place& place, size_t depth) {
  using Type = simdjson::dom::element_type;
  if (depth > kMaxSampledDepth) return;
  if (element.type() == Type::OBJECT) {
    const simdjson::dom::object members = element.get_object().value_unsafe();
    for (const auto& [key, value] : members) {
      AddElement(value, {StrCat(place.path, ".", std::string_view(key)), place.in_array},
                 depth + 1);
    }
    return;
  }
  if (fields_.size() >= kMaxSampledFields && Find(place.path) == nullptr) return;
  if (element.type() == Type::ARRAY) {
    FieldAt(place.path).in_array = true;
    ++FieldAt(place.path).row_count;
    const simdjson::dom::array values = element.get_array().value_unsafe();
    for (const auto value : values) {
      if (value.type() != Type::OBJECT) AddElement(value, {place.path, true}, depth + 1);
    }
    return;
  }
  FieldStats& stats = FieldAt(place.path);
  const size_t before = stats.value_count;
  if (element.type() == Type::NULL_VALUE) {
    ++stats.missing_count;
  } else if (element.type() == Type::STRING) {
    AddValue(stats, element.get_string().value_unsafe(), /*is_json_number=*/false);
  } else {
    AddValue(stats, simdjson::minify(element), element.type() != Type::BOOL);
  }
  if (!place.in_array) stats.row_count += stats.value_count - before;
}

void InputSample::AddValue(FieldStats& stats, std::string_view text, bool is_json_number) {
  text = TrimBlanks(text);
  if (text.empty() || missing_.IsGiven(text) || (!is_json_number && usual_.IsUsual(text))) {
    ++stats.missing_count;
    return;
  }
  ++stats.value_count;
  stats.json_number_count += is_json_number ? 1 : 0;
  double number = 0;
  const bool is_point = ParseFiniteDouble(text, number, DecimalMark::kPoint);
  const bool is_comma = !is_point && ParseFiniteDouble(text, number, DecimalMark::kComma);
  if (is_point || is_comma) {
    (is_point ? stats.number_count : stats.comma_number_count) += 1;
    stats.fraction_count += number == std::floor(number) ? 0 : 1;
    stats.negative_count += number < 0 ? 1 : 0;
    stats.code_count += IsCode(text) ? 1 : 0;
  } else if (stats.odd_words.size() < kMaxOddWords || stats.odd_words.contains(text)) {
    ++stats.odd_words[std::string(text.substr(0, kMaxKeptBytes))];
  }
  AddTimes(stats, text, is_point);
  stats.word_count += CountWords(text.substr(0, 4 * kMaxKeptBytes));
  stats.byte_count += text.size();
  const auto found = stats.values.find(text.substr(0, kMaxKeptBytes));
  if (found != stats.values.end()) {
    ++found->second;
  } else if (stats.values.size() < FieldStats::kMaxDistinct) {
    stats.values.emplace(text.substr(0, kMaxKeptBytes), 1);
  } else {
    stats.more_values = true;
  }
}

void InputSample::AddTimes(FieldStats& stats, std::string_view text, bool is_number) {
  CivilTime time{};
  if (times_.Read(text, time)) ++(is_number ? stats.numeric_time_count : stats.time_count);
  if (is_number) return;
  for (size_t i = 0; i < patterns_.size(); ++i) {
    stats.pattern_counts[i] += patterns_[i].Read(text, time) ? 1 : 0;
  }
}

}  // namespace freshet
