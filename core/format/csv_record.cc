#include "core/format/csv_record.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "core/base/str_cat.h"
#include "core/format/number.h"
#include "core/format/parse_error.h"

namespace freshet {
namespace {

// A quote that is never closed must not swallow the rest of a file.
constexpr size_t kMaxRecordBytes = size_t{1} << 20;

}  // namespace

CsvSplitter::CsvSplitter(std::string delimiter, bool keep_blanks)
    : delimiter_(std::move(delimiter)), keep_blanks_(keep_blanks) {}

void CsvSplitter::Reset() {
  pending_.clear();
  pending_lines_ = 0;
}

size_t CsvSplitter::FindDelimiter(std::string_view text, size_t begin) const {
  const size_t found =
      delimiter_.size() == 1 ? text.find(delimiter_.front(), begin) : text.find(delimiter_, begin);
  return std::min(found, text.size());
}

size_t CsvSplitter::SkipPadding(std::string_view text, size_t position) const {
  while (position < text.size() && IsPadding(text[position])) ++position;
  return position;
}

std::string_view CsvSplitter::Trimmed(std::string_view cell) const {
  return keep_blanks_ ? cell : TrimBlanks(cell);
}

void CsvSplitter::SplitPlain(std::string_view record, std::vector<CsvCell>& cells) const {
  for (size_t begin = 0;;) {
    const size_t end = FindDelimiter(record, begin);
    const std::string_view text = Trimmed(record.substr(begin, end - begin));
    cells.push_back({text, static_cast<size_t>(text.data() - record.data()) + 1});
    if (end == record.size()) return;
    begin = end + delimiter_.size();
  }
}

absl::StatusOr<bool> CsvSplitter::Split(std::string_view line, std::vector<CsvCell>& cells) {
  cells.clear();
  whole_ = line;
  if (!within_record() && line.find('"') == std::string_view::npos) {
    SplitPlain(line, cells);
    return true;
  }
  std::string_view record = line;
  if (within_record()) {
    record_.assign(pending_);
    record_.append(line);
    whole_ = record = record_;
  }
  absl::StatusOr<bool> whole = SplitQuoted(record, cells);
  if (!whole.ok() || *whole) {
    Reset();
    return whole;
  }
  pending_.append(line);
  pending_.push_back('\n');
  ++pending_lines_;
  if (pending_.size() > kMaxRecordBytes) {
    const size_t lines = pending_lines_;
    Reset();
    return ParseError(
        1, StrCat("a quoted cell that began ", lines - 1,
                  " lines above has no closing quote within ", kMaxRecordBytes, " bytes"));
  }
  return false;
}

absl::StatusOr<bool> CsvSplitter::SplitQuoted(std::string_view record,
                                              std::vector<CsvCell>& cells) {
  unescaped_.clear();
  unescaped_.reserve(record.size());  // So that views of it stay valid.
  for (size_t position = 0;; position += delimiter_.size()) {
    const size_t start = SkipPadding(record, position);
    CsvCell cell{{}, start + 1};
    if (start < record.size() && record[start] == '"') {
      position = start;
      absl::StatusOr<bool> closed = TakeQuotedCell(record, position, cell);
      if (!closed.ok() || !*closed) return closed;
      cell.text = Trimmed(cell.text);
    } else {
      const size_t end = FindDelimiter(record, position);
      cell.text = Trimmed(record.substr(position, end - position));
      position = end;
    }
    cells.push_back(cell);
    if (position == record.size()) return true;
  }
}

// Moves `position` from the opening quote to the delimiter behind the closing one, or to the end.
// Returns false where there is no closing quote.
absl::StatusOr<bool> CsvSplitter::TakeQuotedCell(std::string_view record, size_t& position,
                                                 CsvCell& cell) {
  const size_t unescaped_begin = unescaped_.size();
  size_t begin = position + 1;
  while (true) {
    const size_t quote = record.find('"', begin);
    if (quote == std::string_view::npos) return false;
    const std::string_view piece = record.substr(begin, quote - begin);
    const bool doubled = quote + 1 < record.size() && record[quote + 1] == '"';
    if (!doubled && unescaped_.size() == unescaped_begin) {
      cell.text = piece;
    } else {
      unescaped_.append(piece);
      if (doubled) unescaped_.push_back('"');
      cell.text = std::string_view(unescaped_).substr(unescaped_begin);
    }
    if (doubled) {
      begin = quote + 2;
      continue;
    }
    position = SkipPadding(record, quote + 1);
    if (position < record.size() && !record.substr(position).starts_with(delimiter_)) {
      return ParseError(position + 1,
                        StrCat("unexpected ", Quoted(record.substr(position, 1)),
                               " after the closing quote of a cell; a quote within a quoted cell "
                               "must be doubled"));
    }
    return true;
  }
}

}  // namespace freshet
