#include "client/input/line_reader.h"

#include <algorithm>
#include <cstring>
#include <thread>
#include <utility>

#include "client/input/text_check.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

constexpr size_t kBufferBytes = size_t{256} << 10;
constexpr std::chrono::milliseconds kReopenInterval{100};
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::optional<uint64_t> SizeOf(const std::vector<std::string>& paths) {
  uint64_t total = 0;
  for (const std::string& path : paths) {
    const std::optional<uint64_t> size = RegularFileSize(path);
    if (!size) return std::nullopt;
    total += *size;
  }
  return total;
}

}  // namespace

LineReader::LineReader(std::vector<std::string> paths, LineReaderOptions options)
    : paths_(std::move(paths)), options_(options), buffer_(kBufferBytes) {
  if (!options_.follow) bytes_total_ = SizeOf(paths_);
}

LineReader::~LineReader() = default;

absl::StatusOr<bool> LineReader::Next(std::string_view& line) {
  while (!LineOrEndAtHand()) MoveOn();
  if (status_.ok() && HasWholeLine()) {
    status_ = TakeLine(scanned_ - begin_, line);
    after_return_ = buffer_[scanned_] == '\r';
    begin_ = ++scanned_;
  } else if (status_.ok() && !ended_) {
    status_ = TakeLine(end_ - begin_, line);
    begin_ = scanned_ = end_;
  }
  if (!status_.ok()) return status_;
  return !ended_;
}

// Whether Next() can return without reading more: there is a complete line, an error, or the end of
// all input.
bool LineReader::LineOrEndAtHand() {
  // The last line of a file needs no newline. If waiting was stopped, it may be incomplete, so it
  // does not count.
  return !status_.ok() || ended_ || HasWholeLine() ||
         (at_file_end_ && begin_ != end_ && !Stopped());
}

// Takes the next step towards a line: opens the next file, reads more of the open one, or closes
// it. REQUIRES: !LineOrEndAtHand().
void LineReader::MoveOn() {
  if (source_ == nullptr) {
    OpenNextFile();
  } else if (at_file_end_) {
    CloseFile();
  } else {
    Fill();
  }
}

// The position of the first `c` in buffer_[begin, end); `end` if there is none.
size_t LineReader::Find(char c, size_t begin, size_t end) const {
  const void* const found = std::memchr(buffer_.data() + begin, c, end - begin);
  return found == nullptr ? end
                          : static_cast<size_t>(static_cast<const char*>(found) - buffer_.data());
}

// Advances scanned_ to the first line ending after begin_. Returns false if there is none.
bool LineReader::HasWholeLine() {
  if (scanned_ == end_) return false;
  if (after_return_ && begin_ == scanned_) {
    after_return_ = false;
    if (buffer_[begin_] == '\n') begin_ = ++scanned_;
  }
  newline_ = Find('\n', std::max(newline_, scanned_), end_);
  scanned_ = has_returns_ ? Find('\r', scanned_, newline_) : newline_;
  return scanned_ != end_;
}

// Sets `line` to the next `length` bytes of the buffer and counts it.
absl::Status LineReader::TakeLine(size_t length, std::string_view& line) {
  if (file_is_new_) {
    path_ = open_path_;
    line_number_ = 0;
    file_is_new_ = false;
  }
  ++line_number_;
  if (length > options_.max_line_bytes) {
    return absl::InvalidArgumentError(StrCat(path_, ": line ", line_number_, " is longer than ",
                                             options_.max_line_bytes,
                                             " bytes; is this a text file?"));
  }
  line = std::string_view(buffer_.data() + begin_, length);
  if (line_number_ == 1) {
    const std::string_view at_hand(buffer_.data() + begin_, end_ - begin_);
    if (absl::Status status = CheckIsText(path_, at_hand); !status.ok()) return status;
    if (line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  }
  return absl::OkStatus();
}

// Reads more of the open file into the buffer, which grows for a long line. Sets status_ if the
// line is longer than allowed.
void LineReader::Fill() {
  if (end_ - begin_ > options_.max_line_bytes) {
    std::string_view line;
    status_ = TakeLine(end_ - begin_, line);
    return;
  }
  if (begin_ == end_) begin_ = scanned_ = newline_ = end_ = 0;
  if (end_ == buffer_.size()) {
    if (begin_ > 0) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      scanned_ -= begin_;
      newline_ -= std::min(newline_, begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (buffer_.size() - end_ < buffer_.size() / 2) buffer_.resize(buffer_.size() * 2);
  }
  const absl::StatusOr<size_t> count = source_->Read(std::span(buffer_).subspan(end_));
  status_ = count.status();
  if (!status_.ok()) return;
  has_returns_ = has_returns_ || Find('\r', end_, end_ + *count) != end_ + *count;
  end_ += *count;
  at_file_end_ = *count == 0;
}

namespace {

// Splits text at the endings of lines; the last one need not have one.
std::vector<std::string> LinesOf(std::string_view text, size_t max_lines) {
  std::vector<std::string> lines;
  while (!text.empty() && lines.size() < max_lines) {
    const size_t end = std::min(text.find_first_of("\r\n"), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
    if (text.starts_with("\r\n")) text.remove_prefix(1);
    if (!text.empty()) text.remove_prefix(1);
  }
  return lines;
}

}  // namespace

// Reads more of the open file if it arrives before the deadline; returns whether it did.
bool LineReader::FillWithin(std::chrono::steady_clock::time_point deadline) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  if (!source_->WaitReadable(std::max(left, std::chrono::milliseconds(0)))) return false;
  Fill();
  return true;
}

std::vector<std::string> LineReader::Peek(const PeekLimits& limits) {
  const auto deadline = std::chrono::steady_clock::now() + limits.patience;
  // A line that is still being read ends the text; it counts only at the end of the file.
  const auto ahead = [this] { return std::string_view(buffer_.data() + begin_, end_ - begin_); };
  const auto whole_lines = [&] {
    const std::string_view text = ahead();
    return static_cast<size_t>(std::count(text.begin(), text.end(), has_returns_ ? '\r' : '\n'));
  };
  size_t lines = whole_lines();
  while (source_ != nullptr && status_.ok() && !at_file_end_ && !Stopped() &&
         lines < limits.max_lines && end_ - begin_ < limits.max_bytes) {
    const bool must_wait = lines < limits.min_lines;
    const auto now = std::chrono::steady_clock::now();
    if (!FillWithin(must_wait ? now + limits.patience : deadline) && !must_wait) break;
    lines = whole_lines();
  }
  std::string_view text = ahead();
  if (after_return_ && text.starts_with('\n')) text.remove_prefix(1);
  if (!at_file_end_) text = text.substr(0, text.find_last_of("\r\n") + 1);
  return LinesOf(text, limits.max_lines);
}

void LineReader::OpenNextFile() {
  absl::StatusOr<std::unique_ptr<ByteSource>> source;
  if (reopen_) {
    source = Reopen();
  } else if (next_path_ < paths_.size()) {
    open_path_ = paths_[next_path_++];
    const bool follow = options_.follow && next_path_ == paths_.size();
    source = OpenByteSource(open_path_, {.follow = follow, .stop = options_.stop});
    reopen_ = follow && RegularFileSize(open_path_).has_value();
  } else {
    source = nullptr;
  }
  status_ = source.status();
  if (!status_.ok()) return;
  source_ = *std::move(source);
  ended_ = source_ == nullptr;
  at_file_end_ = false;
  file_is_new_ = true;
  has_returns_ = false;
  after_return_ = false;
}

// Opens the followed file again, waiting until it exists. Returns null if waiting was stopped.
absl::StatusOr<std::unique_ptr<ByteSource>> LineReader::Reopen() {
  while (!Stopped()) {
    auto source = OpenByteSource(open_path_, {.follow = true, .stop = options_.stop});
    if (!absl::IsNotFound(source.status())) return source;
    std::this_thread::sleep_for(kReopenInterval);
  }
  return nullptr;
}

void LineReader::CloseFile() {
  bytes_of_closed_files_ += source_->bytes_consumed();
  source_ = nullptr;
  begin_ = scanned_ = newline_ = end_ = 0;
  ended_ = Stopped();
}

bool LineReader::Stopped() const { return options_.stop != nullptr && options_.stop->load(); }

bool LineReader::WouldBlock() { return !WaitForInput(std::chrono::milliseconds(0)); }

bool LineReader::WaitForInput(std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  // Loop, since the input that has arrived may be only the first part of a line.
  while (!LineOrEndAtHand()) {
    if (source_ != nullptr && !at_file_end_) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      if (!source_->WaitReadable(std::max(left, std::chrono::milliseconds(0)))) return false;
    }
    MoveOn();
  }
  return true;
}

uint64_t LineReader::bytes_consumed() const {
  return bytes_of_closed_files_ + (source_ == nullptr ? 0 : source_->bytes_consumed());
}

}  // namespace freshet
