#include "core/format/row_format.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "core/base/str_cat.h"
#include "core/format/csv_format.h"
#include "core/format/jsonl_format.h"
#include "core/format/parse_error.h"
#include "core/format/svmlight_format.h"
#include "core/format/vw_format.h"

namespace freshet {
namespace {

bool RemoveSuffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

// Whether a line is like "1 3:0.5 7:1" or "1:2 3:0.5": a label, optionally with a weight, and then
// at least one index:value.
bool LooksLikeSvmlight(std::string_view line) {
  const size_t label_end = line.find_first_of(" \t");
  const std::string_view label = line.substr(0, label_end);
  if (label_end == 0 || label_end == std::string_view::npos ||
      label.find_first_not_of("0123456789+-.eE:") != std::string_view::npos) {
    return false;
  }
  const size_t token = line.find_first_not_of(" \t", label_end);
  if (token == std::string_view::npos) return false;
  if (line.substr(token).starts_with("qid:")) return true;
  const size_t index_end = line.find_first_not_of("0123456789", token);
  if (index_end == token || index_end == std::string_view::npos) return false;
  return TrimBlanks(line.substr(index_end)).starts_with(':');
}

// Whether a line with a '|' at `bar` is like "label|age|site", the header of a table. In a line of
// Vowpal Wabbit's, blanks separate features, and only a number or a tag is left of the first '|'.
bool LooksLikeBarTable(std::string_view line, size_t bar) {
  const std::string_view head = line.substr(0, bar);
  float number = 0;
  return !head.empty() && head.front() != '\'' && !ParseFiniteFloat(head, number) &&
         line.find_first_of(" \t:") == std::string_view::npos;
}

// The flag of an option that is set although it does not apply to the format `name`; empty if there
// is none.
std::string_view FlagOutOfPlace(std::string_view name, const FormatOptions& options) {
  const bool table = name == "csv" || name == "tsv";
  if (!table && !options.delimiter.empty()) return "--delimiter";
  if (!table && options.decimal_mark != DecimalMark::kPoint) return "--decimal-comma";
  if (!table && options.keep_blanks) return "--keep-blanks";
  if (table || name == "jsonl") return {};
  if (!options.label_field.empty()) return "--label";
  if (!options.weight_field.empty() && name != "svmlight") return "--weight";
  if (!options.numeric_fields.empty()) return "--numeric";
  if (!options.ignore_fields.empty()) return "--ignore";
  if (!options.time_features_field.empty()) return "--time-features";
  if (!options.time_format.empty()) return "--time-format";
  if (!options.event_id_field.empty()) return "--event-id";
  if (!options.event_time_field.empty()) return "--time";
  if (options.missing) return "--missing";
  return {};
}

// A hint for users who try the name of a format that other tools read.
std::string_view UnknownFormatHint(std::string_view name) {
  if (name == "parquet" || name == "arrow" || name == "feather" || name == "orc") {
    return "; convert the file to csv or jsonl first, as in Python with "
           "pandas.read_parquet('FILE').to_csv('FILE.csv', index=False)";
  }
  if (name == "json") return "; jsonl is one JSON object per line";
  return "";
}

}  // namespace

FormatOptions WithoutBlanks(FormatOptions options) {
  if (options.keep_blanks) return options;
  const auto trim = [](std::string& text) { text = std::string(TrimBlanks(text)); };
  for (std::string* const field :
       {&options.label_field, &options.weight_field, &options.time_features_field,
        &options.event_id_field, &options.event_time_field}) {
    trim(*field);
  }
  for (auto* const fields : {&options.numeric_fields, &options.ignore_fields}) {
    std::for_each(fields->begin(), fields->end(), trim);
  }
  if (options.missing) std::for_each(options.missing->begin(), options.missing->end(), trim);
  return options;
}

TextRules TextRulesOf(const FormatOptions& options) {
  TextRules rules{options.positive, options.missing, options.delimiter, options.decimal_mark,
                  options.keep_blanks};
  if (!options.mapping) return rules;
  const InputMapping& mapping = *options.mapping;
  if (rules.positive.empty()) rules.positive = mapping.positive;
  if (!rules.missing) rules.missing = mapping.missing;
  if (rules.delimiter.empty()) rules.delimiter = mapping.delimiter;
  if (rules.decimal_mark == DecimalMark::kPoint) rules.decimal_mark = mapping.decimal_mark;
  rules.keep_blanks |= mapping.keep_blanks;
  return rules;
}

void RowFormat::BeginFile(std::string_view /*path*/) {}

void RowFormat::Warn(std::string text) {
  if (++warning_count_ <= kMaxWarnings) warnings_.push_back(std::move(text));
}

absl::Status RowFormat::EndFile() { return absl::OkStatus(); }

std::string_view RowFormat::tag() const { return {}; }

absl::StatusOr<std::optional<FieldText>> RowFormat::Field(std::string_view name) {
  if (name != "tag") {
    return absl::InvalidArgumentError(
        StrCat("--keep ", name, ": rows of this format have no named fields but the tag"));
  }
  if (tag().empty()) return std::nullopt;
  return FieldText{.text = std::string(tag())};
}

std::vector<std::string_view> FormatNames() { return {"vw", "svmlight", "csv", "tsv", "jsonl"}; }

absl::StatusOr<std::unique_ptr<RowFormat>> MakeRowFormat(std::string_view name,
                                                         FormatOptions options) {
  const std::vector<std::string_view> names = FormatNames();
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    return absl::InvalidArgumentError(StrCat("unknown format ", Quoted(name),
                                             "; the formats are vw, svmlight, csv, tsv, jsonl",
                                             UnknownFormatHint(name)));
  }
  if (const std::string_view flag = FlagOutOfPlace(name, options); !flag.empty()) {
    const bool only_tables =
        flag == "--delimiter" || flag == "--decimal-comma" || flag == "--keep-blanks";
    return absl::InvalidArgumentError(StrCat(flag, " is for csv", only_tables ? "" : ", tsv",
                                             only_tables ? " and tsv" : " and jsonl",
                                             ", not for the format ", name));
  }
  options = WithoutBlanks(std::move(options));
  if (name == "csv") return CsvFormat::Make(options, "");
  if (name == "tsv") return CsvFormat::Make(options, "\t");
  if (name == "svmlight") return SvmlightFormat::Make(options);
  if (name == "jsonl") return MakeJsonlFormat(options);
  return VwFormat::Make(options);
}

absl::StatusOr<std::string> GuessFormat(std::string_view path, std::string_view first_line) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kEndings = {{
      {".vw", "vw"},
      {".svm", "svmlight"},
      {".svmlight", "svmlight"},
      {".libsvm", "svmlight"},
      {".csv", "csv"},
      {".tsv", "tsv"},
      {".jsonl", "jsonl"},
      {".ndjson", "jsonl"},
  }};
  const std::string lower = absl::AsciiStrToLower(ToAbsl(path));
  std::string_view name = lower;
  if (!RemoveSuffix(name, ".gz") && !RemoveSuffix(name, ".zst")) RemoveSuffix(name, ".zstd");
  for (const auto& [ending, format] : kEndings) {
    if (name.ends_with(ending)) return std::string(format);
  }

  const std::string_view shown = path.empty() || path == "-" ? "standard input" : path;
  const size_t start = first_line.find_first_not_of(" \t");
  if (start != std::string_view::npos && first_line[start] == '{') return "jsonl";
  if (start != std::string_view::npos && first_line[start] == '[') {
    return absl::InvalidArgumentError(StrCat(
        shown,
        " looks like one JSON array; convert it to one object per line, as jq -c '.[]' does"));
  }
  const size_t bar = first_line.find('|');
  if (bar != std::string_view::npos &&
      first_line.substr(0, bar).find(',') == std::string_view::npos) {
    return LooksLikeBarTable(first_line, bar) ? "csv" : "vw";
  }
  if (LooksLikeSvmlight(first_line)) return "svmlight";
  if (first_line.find('\t') != std::string_view::npos) return "tsv";
  if (first_line.find_first_of(",;") != std::string_view::npos) return "csv";
  return absl::InvalidArgumentError(
      StrCat("cannot tell the format of ", shown,
             " from its name or its first line; say --format vw, svmlight, csv, tsv or jsonl"));
}

}  // namespace freshet
