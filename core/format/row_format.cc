#include "core/format/row_format.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "absl/status/status.h"
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

// "1 3:0.5 7:1": a label and then at least one index:value.
bool LooksLikeSvmlight(std::string_view line) {
  const size_t label_end = line.find_first_of(" \t");
  const std::string_view label = line.substr(0, label_end);
  if (label_end == 0 || label.find_first_not_of("0123456789+-.eE") != std::string_view::npos ||
      label_end == std::string_view::npos) {
    return false;
  }
  const size_t token = line.find_first_not_of(" \t", label_end);
  if (token == std::string_view::npos) return false;
  if (line.substr(token).starts_with("qid:")) return true;
  const size_t colon = line.find_first_not_of("0123456789", token);
  return colon != token && colon != std::string_view::npos && line[colon] == ':';
}

// The flag of one of the options for columns that is set; empty where none is.
std::string_view SetColumnOption(const FormatOptions& options) {
  if (!options.label_column.empty()) return "--label";
  if (!options.positive.empty()) return "--positive";
  if (!options.numeric_columns.empty()) return "--numeric";
  if (!options.ignore_columns.empty()) return "--ignore";
  if (!options.time_features_column.empty()) return "--time-features";
  if (options.delimiter != '\0') return "--delimiter";
  return {};
}

}  // namespace

void RowFormat::BeginFile(std::string_view /*path*/) {}

absl::Status RowFormat::EndFile() { return absl::OkStatus(); }

std::string_view RowFormat::tag() const { return {}; }

std::vector<std::string_view> FormatNames() { return {"vw", "svmlight", "csv", "tsv", "jsonl"}; }

absl::StatusOr<std::unique_ptr<RowFormat>> MakeRowFormat(std::string_view name,
                                                         FormatOptions options) {
  const std::vector<std::string_view> names = FormatNames();
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    return absl::InvalidArgumentError(
        StrCat("unknown format ", Quoted(name), "; the formats are vw, svmlight, csv, tsv, jsonl"));
  }
  if (name == "csv") return CsvFormat::Make(std::move(options), ',');
  if (name == "tsv") return CsvFormat::Make(std::move(options), '\t');
  if (const std::string_view option = SetColumnOption(options); !option.empty()) {
    return absl::InvalidArgumentError(
        StrCat(option, " is for csv and tsv, not for the format ", name));
  }
  if (name == "svmlight") return std::make_unique<SvmlightFormat>(options.labels_required);
  if (name == "jsonl") return MakeJsonlFormat(options.labels_required);
  return std::make_unique<VwFormat>(options.labels_required);
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
  std::string_view name = path;
  if (!RemoveSuffix(name, ".gz") && !RemoveSuffix(name, ".zst")) RemoveSuffix(name, ".zstd");
  for (const auto& [ending, format] : kEndings) {
    if (name.ends_with(ending)) return std::string(format);
  }

  const size_t start = first_line.find_first_not_of(" \t");
  if (start != std::string_view::npos && first_line[start] == '{') return "jsonl";
  const size_t bar = first_line.find('|');
  if (bar != std::string_view::npos &&
      first_line.substr(0, bar).find(',') == std::string_view::npos) {
    return "vw";
  }
  if (LooksLikeSvmlight(first_line)) return "svmlight";
  if (first_line.find('\t') != std::string_view::npos) return "tsv";
  if (first_line.find(',') != std::string_view::npos) return "csv";
  return absl::InvalidArgumentError(
      StrCat("cannot tell the format of ", path.empty() || path == "-" ? "standard input" : path,
             " from its name or its first line; say --format vw, svmlight, csv, tsv or jsonl"));
}

}  // namespace freshet
