// Parsers of text input: each turns the lines of one format into rows of a batch.

#ifndef FRESHET_CORE_FORMAT_ROW_FORMAT_H_
#define FRESHET_CORE_FORMAT_ROW_FORMAT_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/feature/example_batch.h"

namespace freshet {

struct FormatOptions {
  // True: a row without a label is an error (learning). False: its label is 0 (predicting).
  bool labels_required = true;

  // The rest is for csv and tsv; other formats refuse what is set here.

  // The column with the label; empty: the column named "label".
  std::string label_column = {};
  // Turns the label cell into 1 or 0: an operator (>=, >, <=, <, =, !=) and what to compare with,
  // as in ">=15" or "=yes". The ordering operators compare numbers; = and != compare numbers where
  // both sides are numbers, else text. Empty: the cell is the label, a finite number.
  std::string positive = {};
  // Columns whose cells are numbers: one feature, named as the column, with the cell as its value.
  std::vector<std::string> numeric_columns = {};
  // Columns to leave out.
  std::vector<std::string> ignore_columns = {};
  // A column of points in time, `YYYY-MM-DD[ T]HH:MM[:SS[.fff]][Z]`, `YYYY-MM-DD` or Unix seconds:
  // gives the categories hour, weekday, weekday with hour, and month with day. Empty: none.
  std::string time_features_column = {};
  // The byte between two cells; 0: a comma for csv, a tab for tsv.
  char delimiter = '\0';
};

// Parses the lines of one format. Keeps buffers from line to line, so that a steady stream of lines
// allocates nothing. Not thread-safe; a format holds no global state, so that threads may have one
// each.
class RowFormat {
 public:
  virtual ~RowFormat() = default;

  // Says that the next line is the first of the file `path`, whose header, where the format has
  // one, comes next. Must be called before the first line of each file.
  virtual void BeginFile(std::string_view path);

  // Parses one line, given without its newline. Returns true when it added a row to `builder`, and
  // false when the line held none (blank, comment, header, or the first part of a row whose quoted
  // cell goes on in the next line). After an error the builder has the rows it had before, and the
  // next line can be parsed; the message starts with "column N: ", the 1-based byte where the line
  // is wrong, and names the field, the reason and what is allowed. An error in a header is
  // FAILED_PRECONDITION: the rest of the file cannot be read; other errors are INVALID_ARGUMENT.
  virtual absl::StatusOr<bool> ParseLine(std::string_view line, ExampleBatchBuilder& builder) = 0;

  // Says that the file ended; an error where it ended within a row.
  virtual absl::Status EndFile();

  // The tag of the row that the last ParseLine() added; empty where it had none. Valid until the
  // next call.
  virtual std::string_view tag() const;
};

// The names that MakeRowFormat() knows: "vw", "svmlight", "csv", "tsv", "jsonl".
std::vector<std::string_view> FormatNames();

// The parser for a format by name. INVALID_ARGUMENT for an unknown name, for options that do not
// fit the format, and for a malformed FormatOptions::positive.
absl::StatusOr<std::unique_ptr<RowFormat>> MakeRowFormat(std::string_view name,
                                                         FormatOptions options);

// The name of the format of the file `path` whose first line is `first_line`: by the ending of the
// name (.vw .svm .svmlight .libsvm .csv .tsv .jsonl .ndjson, before .gz, .zst or .zstd), else by
// the line. `path` may be "-" or empty. INVALID_ARGUMENT where neither tells.
absl::StatusOr<std::string> GuessFormat(std::string_view path, std::string_view first_line);

}  // namespace freshet

#endif  // FRESHET_CORE_FORMAT_ROW_FORMAT_H_
