// The cells of a line of comma-separated values, with quotes as in RFC 4180.

#ifndef FRESHET_CORE_FORMAT_CSV_RECORD_H_
#define FRESHET_CORE_FORMAT_CSV_RECORD_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/format/number.h"

namespace freshet {

struct CsvCell {
  std::string_view text;  // Without quotes.
  size_t column = 1;      // The byte where it starts, from 1.
};

// Splits lines, and keeps its buffers from line to line. A quote within a cell that does not start
// with one is an ordinary character.
class CsvSplitter {
 public:
  // `delimiter` stands between cells. Unless `keep_blanks`, blanks and tabs around a cell are taken
  // off, outside and inside of its quotes. REQUIRES: delimiter is not empty and has no quote.
  CsvSplitter(std::string delimiter, bool keep_blanks);

  // Sets `cells`, valid until the next call; they may view `line`. Returns false where the line
  // ends within a quoted cell; the next line then is the rest of the same record, with columns
  // counted from the record's start. After an error the next line starts a record.
  absl::StatusOr<bool> Split(std::string_view line, std::vector<CsvCell>& cells);

  // The text that the last Split() made cells of: its line, or that and the lines before that
  // belong to the record. Valid as long as the cells.
  std::string_view record() const { return whole_; }

  // True where the last line ended within a quoted cell.
  bool within_record() const { return pending_lines_ > 0; }

  // Forgets the record that was begun.
  void Reset();

  // Changes what stands between cells. REQUIRES: !within_record().
  void SetDelimiter(std::string delimiter) { delimiter_ = std::move(delimiter); }
  const std::string& delimiter() const { return delimiter_; }

 private:
  bool IsPadding(char c) const {
    return (c == ' ' || c == '\t') && !keep_blanks_ && c != delimiter_.front();
  }
  // Whether a delimiter stands there, or the text ends.
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
  std::string pending_;  // The lines of a record that goes on, each with its newline.
  size_t pending_lines_ = 0;
  std::string record_;      // pending_ and the line that ended it.
  std::string unescaped_;   // The text of cells that have quotes within.
  std::string_view whole_;  // record_, or the line that is a record of its own.
};

}  // namespace freshet

#endif  // FRESHET_CORE_FORMAT_CSV_RECORD_H_
