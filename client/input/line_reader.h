// Lines out of files: plain, gzip or zstd, standard input, growing files.

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
  // At the end of the last file, wait for more, as `tail -F` does: a file that was cut is read
  // again from its start, and one that was replaced is followed by the new one of its name. The
  // last file must not be compressed.
  bool follow = false;
  // A longer line is an error. > 0.
  size_t max_line_bytes = size_t{64} << 20;
  // Turning true ends all waiting: Next() then returns false once the whole lines at hand are
  // read. Looked at every 100 ms while waiting, and at once when a signal interrupts. May be null.
  const std::atomic<bool>* stop = nullptr;
};

// Reads the lines of several files in order. A line ends with a newline, a carriage return, or one
// and the other. What a file holds (plain, gzip, also of several members, or zstd) is told by its
// first bytes. Not thread-safe.
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

  // Sets `line` to the next line, without what ends it; it is valid
  // until the next call of Next(), WouldBlock() or WaitForInput(). The last line of a file needs no
  // newline. Returns false at the end of all input. Waits only where no whole line is at hand.
  // NOT_FOUND for a missing file, DATA_LOSS for damaged or truncated compressed data,
  // INVALID_ARGUMENT for a line that is too long and for a file that is no UTF-8 text by its first
  // bytes (see CheckIsText()); each names the file. After an error, every further call returns it.
  absl::StatusOr<bool> Next(std::string_view& line);

  // True where Next() would have to wait for input that is not there yet: the time to send what
  // has been gathered.
  bool WouldBlock();

  // Waits until Next() would not have to wait, at most `timeout`. Returns !WouldBlock().
  bool WaitForInput(std::chrono::milliseconds timeout);

  // The file of the last line, and the line's number in it, from 1.
  const std::string& path() const { return path_; }
  uint64_t line_number() const { return line_number_; }
  bool is_first_line() const { return line_number_ == 1; }

  // How many bytes of all files have been read, counted as they are on disk (compressed). Runs
  // ahead of the lines by at most some buffers.
  uint64_t bytes_consumed() const;
  // The size of all files together; nothing where one is not a regular file or is followed.
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
  absl::Status TakeLine(size_t length, std::string_view& line);

  const std::vector<std::string> paths_;
  const LineReaderOptions options_;
  std::optional<uint64_t> bytes_total_;

  // Of the line that was given out last.
  std::string path_;
  uint64_t line_number_ = 0;

  size_t next_path_ = 0;
  std::string open_path_;     // Of source_.
  bool file_is_new_ = false;  // No line of source_ has been given out.
  uint64_t bytes_of_closed_files_ = 0;
  std::unique_ptr<ByteSource> source_;  // Null between files.
  bool reopen_ = false;                 // The last file is followed: its end is not the end.
  bool at_file_end_ = false;
  bool ended_ = false;
  absl::Status status_;  // Where not OK, what every further Next() returns.

  // buffer_[begin_, end_) is read but not yet given out; [begin_, scanned_) holds no end of a line.
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t scanned_ = 0;
  size_t end_ = 0;
  // [scanned_, newline_) holds no newline; where it is below end_, one is there or comes later.
  size_t newline_ = 0;
  bool has_returns_ = false;   // The open file has had a carriage return.
  bool after_return_ = false;  // The last line ended with one: a newline now belongs to it.
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_INPUT_LINE_READER_H_
