// Reads lines from plain and compressed files, standard input and growing files.

#ifndef FRESHET_CLIENT_INPUT_LINE_READER_H_
#define FRESHET_CLIENT_INPUT_LINE_READER_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/input/byte_source.h"

namespace freshet {

struct LineReaderOptions {
  // At the end of the last file, wait for more, as `tail -F` does: if the file is truncated, it is
  // read again from its start; if it is replaced, the new file of its name is read next. The last
  // file must not be compressed.
  bool follow = false;
  // A longer line is an error. > 0.
  size_t max_line_bytes = size_t{64} << 20;
  // When it turns true, all waiting ends: Next() returns the complete lines already read, then
  // false. Checked every 100 ms while waiting, and at once when a signal interrupts. May be null.
  const std::atomic<bool>* stop = nullptr;
};

// Reads the lines of several files in order. A line ends with a newline, a carriage return, or a
// carriage return and a newline. Compression (gzip, also with several members, or zstd) is detected
// from a file's first bytes. Not thread-safe.
//
//   LineReader reader({"a.vw.gz", "-"}, {});
//   std::string_view line;
//   absl::StatusOr<bool> more;
//   while ((more = reader.Next(line)).ok() && *more) {
//     if (reader.is_first_line()) ...
//   }
class LineReader {
 public:
  // `paths`: "-" is standard input. Files are opened when they are reached.
  LineReader(std::vector<std::string> paths, LineReaderOptions options);
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  // Sets `line` to the next line, without its line ending; it is valid until the next call of
  // Next(), WouldBlock() or WaitForInput(). The last line of a file need not end with a newline.
  // Returns false at the end of all input. Waits only if no complete line has been read yet.
  // NOT_FOUND for a missing file, DATA_LOSS for damaged or truncated compressed data,
  // INVALID_ARGUMENT for a line that is too long and for a file whose first bytes are not UTF-8
  // text (see CheckIsText()); each names the file. After an error, every further call returns it.
  absl::StatusOr<bool> Next(std::string_view& line);

  // How far Peek() reads ahead.
  struct PeekLimits {
    size_t min_lines = 0;  // Waits for these without a limit of time.
    size_t max_lines = 2000;
    size_t max_bytes = size_t{4} << 20;
    std::chrono::milliseconds patience{1000};  // How long to wait for more than min_lines.
  };

  // The lines of the open file that Next() will return next, as far as `limits` and the end of the
  // file allow; an error in them is left to Next(). Invalidates the line that Next() returned last.
  std::vector<std::string> Peek(const PeekLimits& limits);

  // Whether Next() would have to wait for input. Callers that gather rows should then send what
  // they have.
  bool WouldBlock();

  // Waits, at most for `timeout`, until Next() would not have to wait. Returns !WouldBlock().
  bool WaitForInput(std::chrono::milliseconds timeout);

  // The file of the last line, and the line's number in it, from 1.
  const std::string& path() const { return path_; }
  uint64_t line_number() const { return line_number_; }
  bool is_first_line() const { return line_number_ == 1; }

  // How many bytes of all files have been read, counted before decompression. Runs ahead of the
  // lines returned by at most a few buffers.
  uint64_t bytes_consumed() const;
  // The size of all files together; nothing if one is not a regular file, or if the last file is
  // followed.
  std::optional<uint64_t> bytes_total() const { return bytes_total_; }

 private:
  bool Stopped() const;
  bool LineOrEndAtHand();
  void MoveOn();
  void OpenNextFile();
  absl::StatusOr<std::unique_ptr<ByteSource>> Reopen();
  void CloseFile();
  bool HasWholeLine();
  size_t Find(char c, size_t begin, size_t end) const;
  void Fill();
  bool FillWithin(std::chrono::steady_clock::time_point deadline);
  absl::Status TakeLine(size_t length, std::string_view& line);

  const std::vector<std::string> paths_;
  const LineReaderOptions options_;
  std::optional<uint64_t> bytes_total_;

  // The file and number of the line that Next() returned last.
  std::string path_;
  uint64_t line_number_ = 0;

  size_t next_path_ = 0;
  std::string open_path_;     // The path of source_.
  bool file_is_new_ = false;  // Whether no line of source_ has been returned yet.
  uint64_t bytes_of_closed_files_ = 0;
  std::unique_ptr<ByteSource> source_;  // Null between files.
  bool reopen_ = false;                 // Whether source_ is followed: reopen it at its end.
  bool at_file_end_ = false;
  bool ended_ = false;
  absl::Status status_;  // The first error, which every further Next() returns.

  // buffer_[begin_, end_) is read but not yet returned; [begin_, scanned_) contains no line ending.
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t scanned_ = 0;
  size_t end_ = 0;
  // [scanned_, newline_) contains no newline. If newline_ < end_, a newline may be at or after it.
  size_t newline_ = 0;
  bool has_returns_ = false;   // Whether a carriage return has been seen in the open file.
  bool after_return_ = false;  // Whether the last line ended with one: skip a newline after it.
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_INPUT_LINE_READER_H_
