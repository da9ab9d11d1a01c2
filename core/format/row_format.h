// The interface of text input parsers: each turns the lines of one format into rows of a batch.

#ifndef FRESHET_CORE_FORMAT_ROW_FORMAT_H_
#define FRESHET_CORE_FORMAT_ROW_FORMAT_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/feature/example_batch.h"
#include "core/format/input_mapping.h"
#include "core/format/number.h"

namespace freshet {

// How to read lines. A field is a column of csv or tsv, or a member of a JSON object; the path of a
// member of a nested object has points between the names, as in "user.age".
struct FormatOptions {
  // True for learning: a row without a label is an error. False for predicting: labels and weights
  // in csv, tsv and jsonl are ignored, and in other formats they may be absent.
  bool labels_required = true;

  // True for events, whose labels come later: weights are read although labels are not required.
  bool is_event = false;

  // Turns labels into 1 or 0: an operator (>=, >, <=, <, =, !=) and an operand, as in ">=15" or
  // "=yes". The ordering operators compare numbers; = and != compare numbers if both sides are
  // numbers, else text. Empty: a label is a finite number, or in csv, tsv and jsonl also true or
  // false, yes or no, t or f, y or n, ignoring case.
  std::string positive = {};

  // Unless stated otherwise, the following options are for csv, tsv and jsonl; MakeRowFormat()
  // rejects them for other formats.

  // The field with the label; empty: "label".
  std::string label_field = {};
  // The field with the importance weight, a number >= 0; empty: "weight" for jsonl, none for csv
  // and tsv. For svmlight, in which labels may have weights as in "1:2.5", any text here says that
  // rows to predict have them, too.
  std::string weight_field = {};
  // Fields whose cells are numbers. Each gives one feature, named like the column, with the cell as
  // its value. For jsonl, fields whose strings are numbers.
  std::vector<std::string> numeric_fields = {};
  // Fields to leave out. For jsonl, an object or array is left out as a whole.
  std::vector<std::string> ignore_fields = {};
  // A field with points in time (see TimeReader), which become the categories hour, weekday,
  // weekday with hour, and month with day. Empty: none.
  std::string time_features_field = {};
  // The format of these times (see TimeReader); empty: any of the usual forms.
  std::string time_format = {};
  // The field with the event's id, which becomes the tag. Empty: that of the mapping, if any.
  std::string event_id_field = {};
  // The field with the time at which the event happened, for whoever asks for it by Field(). It
  // gives no features unless the mapping lists it. Empty: none.
  std::string event_time_field = {};
  // Text that stands for no value (see MissingWords). The feature is left out.
  std::optional<std::vector<std::string>> missing = {};

  // For vw: whether text is read as Vowpal Wabbit does where we are stricter, for models that give
  // the same numbers: a row to learn from may lack a label, and gets the weight 0;
  // it may have a third number, which is added to its score (see kOffsetNamespace); a value that is
  // no number makes a feature of its own, name:value; and a line without a '|' is a row without
  // features.
  bool as_vowpal_wabbit = false;
  // For vw: whether names of digits are hashed like others.
  bool hash_all = false;

  // For csv and tsv.

  // The delimiter between cells, 1 to 8 bytes. Empty: a tab for tsv; for csv a comma, or, if the
  // header has no comma, the first semicolon, tab or bar in it.
  std::string delimiter = {};
  // The character before the decimals of numbers.
  DecimalMark decimal_mark = DecimalMark::kPoint;
  // False: blanks and tabs around names and cells are removed, within quotes, too.
  bool keep_blanks = false;

  // Unless keep_blanks, blanks around the fields and words named above are removed.

  // What the model says of the fields of csv, tsv and jsonl; other formats ignore it. The options
  // above take precedence where they say something else; see DescribeOverrides().
  std::optional<InputMapping> mapping = {};
};

// The text of a field of a row as it stands in the input.
struct FieldText {
  std::string text;
  bool is_json = false;  // Whether `text` is JSON other than a string: a number, true, a list.
};

// The options without the blanks around fields and words, unless they are to be kept: blanks follow
// the commas of lists such as "age, height". MakeRowFormat() does this itself.
FormatOptions WithoutBlanks(FormatOptions options);

// How text is split and read, from the options and their mapping.
struct TextRules {
  std::string positive;
  std::optional<std::vector<std::string>> missing;
  std::string delimiter;
  DecimalMark decimal_mark = DecimalMark::kPoint;
  bool keep_blanks = false;
};
TextRules TextRulesOf(const FormatOptions& options);

// Parses the lines of one format. Reuses buffers from line to line, so that a steady stream of
// lines causes no allocations. Not thread-safe; a format has no global state, so each thread may
// have its own.
class RowFormat {
 public:
  virtual ~RowFormat() = default;

  // Tells the parser that the next line is the first of the file `path`, and is its header if the
  // format has one. Must be called before the first line of each file.
  virtual void BeginFile(std::string_view path);

  // Parses one line, which is given without its newline and must be UTF-8. Returns true if it added
  // a row to `builder`, and false if the line has none (blank, comment, header, or the first part
  // of a row whose quoted cell continues on the next line). After an error the builder has the rows
  // it had before, and the next line can be parsed. The message starts with "column N: ", where N
  // is the 1-based byte at which the line is wrong, and names the field, the reason and what is
  // allowed. An error in a header is FAILED_PRECONDITION, because the rest of the file cannot be
  // read; other errors are INVALID_ARGUMENT.
  virtual absl::StatusOr<bool> ParseLine(std::string_view line, ExampleBatchBuilder& builder) = 0;

  // Tells the parser that the file has ended. An error if it ended within a row.
  virtual absl::Status EndFile();

  // The tag of the row that the last ParseLine() added; empty if it has none. Valid until the next
  // call.
  virtual std::string_view tag() const;

  // A field of the row that the last ParseLine() added, whatever the row uses it for: a column, or
  // a member by its path; formats without named fields have the field "tag". Nothing if the row
  // lacks it. INVALID_ARGUMENT if no row of the file can have it.
  virtual absl::StatusOr<std::optional<FieldText>> Field(std::string_view name);

  // What is odd about rows that could be read all the same: fields that the model's input mapping
  // does not list, or rows without most of those that it lists. Empties the list. At most
  // kMaxWarnings between two calls of BeginFile(); each begins as an error does if it is about one
  // row.
  std::vector<std::string> TakeWarnings() { return std::exchange(warnings_, {}); }
  bool has_warnings() const { return !warnings_.empty(); }

  static constexpr size_t kMaxWarnings = 8;

 protected:
  void Warn(std::string text);
  void ForgetWarnings() { warning_count_ = 0; }

 private:
  std::vector<std::string> warnings_;
  size_t warning_count_ = 0;
};

// The names that MakeRowFormat() knows: "vw", "svmlight", "csv", "tsv", "jsonl".
std::vector<std::string_view> FormatNames();

// Makes the parser for the format `name`. INVALID_ARGUMENT if the name is unknown, or if an option
// is malformed or does not apply to the format.
absl::StatusOr<std::unique_ptr<RowFormat>> MakeRowFormat(std::string_view name,
                                                         FormatOptions options);

// Guesses the name of the format of the file `path` whose first line is `first_line`: by the file
// name's extension (.vw .svm .svmlight .libsvm .csv .tsv .jsonl .ndjson, before .gz, .zst or .zstd,
// ignoring case), else by the line. `path` may be "-" or empty. INVALID_ARGUMENT if neither tells.
absl::StatusOr<std::string> GuessFormat(std::string_view path, std::string_view first_line);

}  // namespace freshet

#endif  // FRESHET_CORE_FORMAT_ROW_FORMAT_H_
