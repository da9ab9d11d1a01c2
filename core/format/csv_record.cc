#include "core/format/csv_record.h"

#include <algorithm>

#include "absl/status/status.h"
#include "core/base/str_cat.h"
#include "core/format/parse_error.h"

namespace freshet {
namespace {

// A quote that is never closed must not swallow the rest of a file.
constexpr size_t kMaxRecordBytes = size_t{1} << 20;

}  // namespace

void CsvSplitter::Reset() {
  pending_.clear();
  pending_lines_ = 0;
}

absl::StatusOr<bool> CsvSplitter::Split(std::string_view line, std::vector<CsvCell>& cells) {
  cells.clear();
  if (!within_record() && line.find('"') == std::string_view::npos) {
    size_t begin = 0;
    while (true) {
      const size_t end = std::min(line.find(delimiter_, begin), line.size());
      cells.push_back({line.substr(begin, end - begin), begin + 1});
      if (end == line.size()) return true;
      begin = end + 1;
    }
  }
  std::string_view record = line;
  if (within_record()) {
    record_.assign(pending_);
    record_.append(line);
    record = record_;
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
  for (size_t position = 0;; ++position) {
    CsvCell cell{{}, position + 1};
    if (position < record.size() && record[position] == '"') {
      absl::StatusOr<bool> closed = TakeQuotedCell(record, position, cell);
      if (!closed.ok() || !*closed) return closed;
    } else {
      const size_t end = std::min(record.find(delimiter_, position), record.size());
      cell.text = record.substr(position, end - position);
      position = end;
    }
    cells.push_back(cell);
    if (position == record.size()) return true;
  }
}

// Moves `position` from the opening quote past the closing one. Returns false where there is none.
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
    position = quote + 1;
    if (position < record.size() && record[position] != delimiter_) {
      return ParseError(position + 1,
                        StrCat("unexpected ", Quoted(record.substr(position, 1)),
                               " after the closing quote of a cell; a quote within a quoted cell "
                               "must be doubled"));
    }
    return true;
  }
}

}  // namespace freshet
