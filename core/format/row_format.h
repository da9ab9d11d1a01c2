// Parsers of text input: each turns the lines of one format into rows of a batch.

#ifndef FRESHET_CORE_FORMAT_ROW_FORMAT_H_
#define FRESHET_CORE_FORMAT_ROW_FORMAT_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/feature/example_batch.h"
#include "core/format/number.h"

namespace freshet {

// How lines are to be read. A field is a column of csv or tsv, or a member of a JSON object, of
// which the path has a point between the names of nested objects, as in "user.age".
struct FormatOptions {
  // True: a row without a label is an error (learning). False: labels and weights of csv, tsv and
  // jsonl are passed over, and those of other formats need not be there (predicting).
  bool labels_required = true;

  // Turns labels into 1 or 0: an operator (>=, >, <=, <, =, !=) and what to compare with, as in
  // ">=15" or "=yes". The ordering operators compare numbers; = and != compare numbers where both
  // sides are numbers, else text. Empty: a label is a finite number, or in csv, tsv and jsonl also
  // true or false, yes or no, t or f, y or n, in any case of letters.
  std::string positive = {};

  // The rest is for csv, tsv and jsonl where nothing else is said; other formats refuse it.

  // The field with the label; empty: "label".
  std::string label_field = {};
  // The field with the importance weight, a number >= 0; empty: "weight" for jsonl, none for csv
  // and tsv. For svmlight, where labels have weights as in "1:2.5", any text says that rows to
  // predict have them, too.
  std::string weight_field = {};
  // Fields whose cells are numbers: one feature, named as the column, with the cell as its value.
  // For jsonl, strings that are numbers.
  std::vector<std::string> numeric_fields = {};
  // Fields to leave out. For jsonl, an object or array as a whole.
  std::vector<std::string> ignore_fields = {};
  // A field of points in time (see TimeReader): gives the categories hour, weekday, weekday with
  // hour, and month with day. Empty: none.
  std::string time_features_field = {};
  // How these are written (see TimeReader); empty: any of the usual forms.
  std::string time_format = {};
  // Text that stands for no value (see MissingWords). The feature is left out.
  std::optional<std::vector<std::string>> missing = {};

  // For csv and tsv.

  // What stands between two cells, 1 to 8 bytes. Empty: a tab for tsv; for csv a comma, or where
  // the header has none, the semicolon, tab or bar that it has.
  std::string delimiter = {};
  // What stands before the decimals of numbers.
  DecimalMark decimal_mark = DecimalMark::kPoint;
  // False: blanks and tabs around names and cells are taken off, within quotes, too.
  bool keep_blanks = false;
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

  // Parses one line, given without its newline, which must be UTF-8. Returns true when it added a
  // row to `builder`, and false when the line held none (blank, comment, header, or the first part
  // of a row whose quoted cell goes on in the next line). After an error the builder has the rows
  // it had before, and the next line can be parsed; the message starts with "column N: ", the
  // 1-based byte where the line is wrong, and names the field, the reason and what is allowed. An
  // error in a header is FAILED_PRECONDITION: the rest of the file cannot be read; other errors are
  // INVALID_ARGUMENT.
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
// fit the format, and for malformed ones.
absl::StatusOr<std::unique_ptr<RowFormat>> MakeRowFormat(std::string_view name,
                                                         FormatOptions options);

// The name of the format of the file `path` whose first line is `first_line`: by the ending of the
// name (.vw .svm .svmlight .libsvm .csv .tsv .jsonl .ndjson, before .gz, .zst or .zstd, in any case
// of letters), else by the line. `path` may be "-" or empty. INVALID_ARGUMENT where neither tells.
absl::StatusOr<std::string> GuessFormat(std::string_view path, std::string_view first_line);

}  // namespace freshet

#endif  // FRESHET_CORE_FORMAT_ROW_FORMAT_H_
