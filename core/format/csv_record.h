// Splits lines of comma-separated values into cells, with quotes as in RFC 4180.

#ifndef FRESHET_CORE_FORMAT_CSV_RECORD_H_
#define FRESHET_CORE_FORMAT_CSV_RECORD_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/format/number.h"

namespace freshet {

// OK if `delimiter` can separate cells, or is empty.
absl::Status CheckDelimiter(std::string_view delimiter);

// The delimiter of a table with this header: a comma if the header has one, else the first of
// semicolon, tab and bar in it. Spreadsheets write semicolons in locales where the comma is the
// decimal mark.
std::string GuessDelimiter(std::string_view header);

// The delimiter that a line such as sep=; declares. Spreadsheets write such a line above the
// header.
std::optional<std::string> DeclaredDelimiter(std::string_view line);

struct CsvCell {
  std::string_view text;  // Without quotes.
  size_t column = 1;      // The byte at which the cell starts, counting from 1.
};

// Splits lines, and reuses its buffers from line to line. In a cell that does not start with a
// quote, a quote is an ordinary character. Not thread-safe.
class CsvSplitter {
 public:
  // `delimiter` separates cells. Unless `keep_blanks`, blanks and tabs around a cell are removed,
  // outside and inside of its quotes. REQUIRES: `delimiter` is not empty and contains no quote.
  CsvSplitter(std::string delimiter, bool keep_blanks);

  // Sets `cells`, which are valid until the next call and may view `line`. Returns false if the
  // line ends within a quoted cell: the next line then continues the record, with columns counted
  // from the record's start. After an error, the next line starts a new record.
  absl::StatusOr<bool> Split(std::string_view line, std::vector<CsvCell>& cells);

  // The text that the last Split() split: its line, including earlier lines of the same record.
  // Valid as long as the cells.
  std::string_view record() const { return whole_; }

  // True if the last line ended within a quoted cell.
  bool within_record() const { return pending_lines_ > 0; }

  // Whether `line` has nothing but blanks and tabs that do not separate cells.
  bool IsBlank(std::string_view line) const {
    return line.empty() ||
           (line.front() <= ' ' && line.find_first_not_of(" \t") == std::string_view::npos &&
            line.find(delimiter_.front()) == std::string_view::npos);
  }

  // Discards an unfinished record.
  void Reset();

  // Changes the delimiter. REQUIRES: !within_record().
  void SetDelimiter(std::string delimiter) { delimiter_ = std::move(delimiter); }
  const std::string& delimiter() const { return delimiter_; }

 private:
  bool IsPadding(char c) const {
    return (c == ' ' || c == '\t') && !keep_blanks_ && c != delimiter_.front();
  }
  // Whether there is a delimiter at `position`, or the text ends there.
  bool IsCellEnd(std::string_view text, size_t position) const {
    return position == text.size() ||
           (text[position] == delimiter_.front() &&
            (delimiter_.size() == 1 || text.substr(position).starts_with(delimiter_)));
  }
  size_t SkipPadding(std::string_view text, size_t position) const {
    while (position < text.size() && IsPadding(text[position])) ++position;
    return position;
  }
  std::string_view Trimmed(std::string_view cell) const {
    return keep_blanks_ ? cell : TrimBlanks(cell);
  }
  void SplitPlain(std::string_view record, std::vector<CsvCell>& cells) const;
  absl::StatusOr<bool> SplitQuoted(std::string_view record, std::vector<CsvCell>& cells);
  absl::StatusOr<bool> TakeQuotedCell(std::string_view record, size_t& position, CsvCell& cell);

  std::string delimiter_;
  const bool keep_blanks_;
  std::string pending_;  // The lines of an unfinished record, each with its newline.
  size_t pending_lines_ = 0;
  std::string record_;      // pending_ followed by the current line.
  std::string unescaped_;   // The text of cells that contain quotes.
  std::string_view whole_;  // record_, or the line if it is a record of its own.
};

}  // namespace freshet

#endif  // FRESHET_CORE_FORMAT_CSV_RECORD_H_
