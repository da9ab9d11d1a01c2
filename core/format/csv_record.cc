#include "core/format/csv_record.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "core/base/str_cat.h"
#include "core/format/number.h"
#include "core/format/parse_error.h"

namespace freshet {
namespace {

constexpr size_t kMaxDelimiterBytes = 8;

// A limit, so that a quote that is never closed does not swallow the rest of a file.
constexpr size_t kMaxRecordBytes = size_t{1} << 20;

// The first `delimiter` from `begin` on, or `end`.
inline const char* Find(std::string_view delimiter, const char* begin, const char* end) {
  if (delimiter.size() > 1) return std::search(begin, end, delimiter.begin(), delimiter.end());
  const void* const found = std::memchr(begin, delimiter.front(), static_cast<size_t>(end - begin));
  return found == nullptr ? end : static_cast<const char*>(found);
}

}  // namespace

std::string GuessDelimiter(std::string_view header) {
  std::string found = ",";
  bool quoted = false;
  for (const char c : header) {
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == ',') return ",";
    if (found == "," && (c == ';' || c == '\t' || c == '|')) found = c;
  }
  return found;
}

std::optional<std::string> DeclaredDelimiter(std::string_view line) {
  constexpr std::string_view kPrefix = "sep=";
  if (line.size() > 2 && line.front() == '"' && line.back() == '"') {
    line = line.substr(1, line.size() - 2);
  }
  if (line.size() != kPrefix.size() + 1 || line.back() == '"' ||
      !absl::StartsWithIgnoreCase(ToAbsl(line), ToAbsl(kPrefix))) {
    return std::nullopt;
  }
  return std::string(line.substr(kPrefix.size()));
}

absl::Status CheckDelimiter(std::string_view delimiter) {
  if (delimiter.size() <= kMaxDelimiterBytes &&
      delimiter.find_first_of("\"\r\n") == std::string_view::npos) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(StrCat("--delimiter ", Quoted(delimiter), ": it must be 1 to ",
                                           kMaxDelimiterBytes,
                                           " bytes without a quote or a line break"));
}

CsvSplitter::CsvSplitter(std::string delimiter, bool keep_blanks)
    : delimiter_(std::move(delimiter)), keep_blanks_(keep_blanks) {}

void CsvSplitter::Reset() {
  pending_.clear();
  pending_lines_ = 0;
}

void CsvSplitter::SplitPlain(std::string_view record, std::vector<CsvCell>& cells) const {
  const std::string_view delimiter = delimiter_;
  const char* const end = record.data() + record.size();
  for (const char* begin = record.data();;) {
    const char* const stop = Find(delimiter, begin, end);
    const std::string_view text = Trimmed({begin, static_cast<size_t>(stop - begin)});
    cells.push_back({text, static_cast<size_t>(text.data() - record.data()) + 1});
    if (stop == end) return;
    begin = stop + delimiter.size();
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
      const size_t quote = record.find('"', start + 1);
      if (quote != std::string_view::npos && IsCellEnd(record, quote + 1)) {
        cell.text = record.substr(start + 1, quote - start - 1);
        position = quote + 1;
      } else {
        position = start;
        absl::StatusOr<bool> closed = TakeQuotedCell(record, position, cell);
        if (!closed.ok() || !*closed) return closed;
      }
      cell.text = Trimmed(cell.text);
    } else {
      const char* const begin = record.data() + position;
      const char* const stop = Find(delimiter_, begin, record.data() + record.size());
      cell.text = Trimmed({begin, static_cast<size_t>(stop - begin)});
      position = static_cast<size_t>(stop - record.data());
    }
    cells.push_back(cell);
    if (position == record.size()) return true;
  }
}

// Takes a quoted cell in its general form: it may contain quotes, and blanks may follow the closing
// one. Moves `position` from the opening quote to the delimiter after the closing one, or to the
// end. Returns false if there is no closing quote.
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
    if (!IsCellEnd(record, position)) {
      return ParseError(position + 1,
                        StrCat("unexpected ", Quoted(record.substr(position, 1)),
                               " after the closing quote of a cell; a quote within a quoted cell "
                               "must be doubled"));
    }
    return true;
  }
}

}  // namespace freshet
