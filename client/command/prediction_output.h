// How freshet predict prints predictions.

#ifndef FRESHET_CLIENT_COMMAND_PREDICTION_OUTPUT_H_
#define FRESHET_CLIENT_COMMAND_PREDICTION_OUTPUT_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/client.h"
#include "client/command/example_reader.h"
#include "core/format/row_format.h"

namespace freshet {

// Keeps what is to be printed of each row until its prediction comes. Not thread-safe.
class PredictionOutput {
 public:
  enum class Form {
    kPlain,  // Prediction, score and tag, separated by blanks.
    kCsv,    // A table with a header.
    kJson,   // JSON objects with the offset and the tag.
    kJsonl,  // JSON objects with the kept fields.
  };

  struct Options {
    std::string output;             // "csv", "jsonl" or empty.
    std::vector<std::string> keep;  // Fields of the input that are printed beside predictions.
    bool json = false;              // --json.
    bool event_ids = false;         // Whether the ids of events are printed.
  };

  // INVALID_ARGUMENT if the options contradict each other.
  static absl::StatusOr<PredictionOutput> Make(Options options);

  // Notes what is to be printed of the row that was read last. DATA_LOSS, which names the file and
  // the line, if the input has no such field.
  absl::Status NoteRow(ExampleReader& reader);

  // The text for the next rows that were noted and not printed yet, after the header if they are
  // the first.
  std::string Rows(const Predictions& answer);

  // The header if it was not printed yet: what is printed of an input without rows.
  std::string MissingHeader();

 private:
  using Field = std::optional<FieldText>;

  PredictionOutput(Form form, std::vector<std::string> keep, bool event_ids)
      : form_(form), keep_(std::move(keep)), event_ids_(event_ids) {}

  std::string PlainRow(const Predictions& answer, size_t row) const;
  std::string CsvRow(const Predictions& answer, size_t row) const;
  std::string JsonRow(const Predictions& answer, size_t row) const;
  std::string JsonlRow(const Predictions& answer, size_t row) const;

  Form form_;
  std::vector<std::string> keep_;
  bool event_ids_;
  bool has_header_ = false;                 // Whether the header was printed.
  std::vector<std::string> tags_;           // One for each row.
  std::vector<std::vector<Field>> fields_;  // For each row, one for each of keep_.
};

// `text` as a cell of a CSV file: in quotes if it has a comma, a quote or a line break in it, or
// blanks around it.
std::string CsvCellText(std::string_view text);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_PREDICTION_OUTPUT_H_
