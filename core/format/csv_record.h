// The cells of a line of comma-separated values, with quotes as in RFC 4180.

#ifndef FRESHET_CORE_FORMAT_CSV_RECORD_H_
#define FRESHET_CORE_FORMAT_CSV_RECORD_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace freshet {

struct CsvCell {
  std::string_view text;  // Without quotes.
  size_t column = 1;      // The byte where it starts, from 1.
};

// Splits lines, and keeps its buffers from line to line. A quote within a cell that does not start
// with one is an ordinary character.
class CsvSplitter {
 public:
  explicit CsvSplitter(char delimiter) : delimiter_(delimiter) {}

  // Sets `cells`, valid until the next call; they may view `line`. Returns false where the line
  // ends within a quoted cell; the next line then is the rest of the same record, with columns
  // counted from the record's start. After an error the next line starts a record.
  absl::StatusOr<bool> Split(std::string_view line, std::vector<CsvCell>& cells);

  // True where the last line ended within a quoted cell.
  bool within_record() const { return pending_lines_ > 0; }

  // Forgets the record that was begun.
  void Reset();

 private:
  absl::StatusOr<bool> SplitQuoted(std::string_view record, std::vector<CsvCell>& cells);
  absl::StatusOr<bool> TakeQuotedCell(std::string_view record, size_t& position, CsvCell& cell);

  const char delimiter_;
  std::string pending_;  // The lines of a record that goes on, each with its newline.
  size_t pending_lines_ = 0;
  std::string record_;     // pending_ and the line that ended it.
  std::string unescaped_;  // The text of cells that have quotes within.
};

}  // namespace freshet

#endif  // FRESHET_CORE_FORMAT_CSV_RECORD_H_
