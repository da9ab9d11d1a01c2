// Statistics of the fields in the first rows of a file, from which a mapping is proposed.

#ifndef FRESHET_CORE_FORMAT_INPUT_SAMPLE_H_
#define FRESHET_CORE_FORMAT_INPUT_SAMPLE_H_

#include <array>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "core/format/civil_time.h"
#include "core/format/missing_words.h"
#include "core/format/row_format.h"

namespace freshet {

// What the values of one field look like. Counts are of values that are present: neither empty nor
// null nor a usual word for a missing value.
struct FieldStats {
  std::string field;
  size_t row_count = 0;  // Rows with a value. An array has several values.
  size_t value_count = 0;
  size_t missing_count = 0;

  // Numbers with a decimal point, and, not counted by it, numbers that are only numbers with a
  // decimal comma.
  size_t number_count = 0;
  size_t comma_number_count = 0;
  size_t fraction_count = 0;  // Numbers of either kind that are not whole.
  size_t code_count = 0;      // Of leading zeros, as in 007, or of ten digits and more.
  size_t negative_count = 0;
  size_t json_number_count = 0;  // Numbers that JSON does not write as a string.

  size_t time_count = 0;          // In one of the usual forms that is not just a number.
  size_t numeric_time_count = 0;  // Numbers that are a plausible point in time.
  std::array<size_t, 12> pattern_counts = {};  // Times by the patterns of TimePatterns().

  size_t word_count = 0;
  size_t byte_count = 0;
  bool in_array = false;

  // The values and how often each occurs, until there are kMaxDistinct of them.
  std::map<std::string, size_t, std::less<>> values;
  bool more_values = false;  // Whether there are values that `values` does not hold.

  // At most a few values that are no numbers, with how often each occurs.
  std::map<std::string, size_t, std::less<>> odd_words;

  static constexpr size_t kMaxDistinct = 512;

  size_t distinct_count() const { return values.size(); }
};

// The patterns for TimeReader that are tried beside the usual forms, the more common ones first.
const std::array<std::string_view, 12>& TimePatterns();

// Gathers statistics of the rows of csv, tsv or jsonl. Rows that cannot be read are passed over:
// reading them for learning reports them. Not thread-safe.
class InputSample {
 public:
  // `format` is csv, tsv or jsonl. The delimiter, missing words, decimal mark and blanks of
  // `options` apply.
  InputSample(std::string_view format, const FormatOptions& options);

  // Reads the lines of one file from its beginning.
  void AddLines(const std::vector<std::string>& lines);

  // In the order of the columns, or in that in which paths first occurred.
  const std::vector<FieldStats>& fields() const { return fields_; }
  const FieldStats* Find(std::string_view field) const;
  size_t row_count() const { return row_count_; }
  bool is_table() const { return is_table_; }
  // Of a table; empty if none was read.
  const std::string& delimiter() const { return delimiter_; }
  // Whether a row holds namespaces in the Protobuf JSON form, which says itself what it means.
  bool has_named_namespaces() const { return has_named_namespaces_; }
  // Why the first line that could not be read was passed over, as "line N: ..."; OK if none was.
  const absl::Status& first_error() const { return first_error_; }

 private:
  // Where a JSON value stands.
  struct Place {
    std::string path;
    bool in_array = false;
  };

  void AddTable(const std::vector<std::string>& lines);
  void AddObjects(const std::vector<std::string>& lines);
  void PassOver(size_t line, const absl::Status& error);
  template <typename Element>
  void AddElement(Element element, const Place& place, size_t depth);
  FieldStats& FieldAt(std::string_view field);
  void AddValue(FieldStats& stats, std::string_view text, bool is_json_number);
  void AddTimes(FieldStats& stats, std::string_view text, bool is_number);

  const bool is_table_;
  const TextRules rules_;
  const MissingWords missing_;
  const MissingWords usual_{std::nullopt};
  TimeReader times_;
  std::vector<TimeReader> patterns_;

  std::vector<FieldStats> fields_;
  std::unordered_map<std::string, size_t> indices_;
  size_t row_count_ = 0;
  std::string delimiter_;
  bool has_named_namespaces_ = false;
  absl::Status first_error_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_FORMAT_INPUT_SAMPLE_H_
