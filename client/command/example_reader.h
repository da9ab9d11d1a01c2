// Examples out of files of any format, and where each of them stands.

#ifndef FRESHET_CLIENT_COMMAND_EXAMPLE_READER_H_
#define FRESHET_CLIENT_COMMAND_EXAMPLE_READER_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/input/line_reader.h"
#include "core/feature/example_batch.h"
#include "core/format/row_format.h"

namespace freshet {

// What the input options of push and predict say.
struct InputOptions {
  std::vector<std::string> files;  // Empty: standard input.
  std::string format;              // Of all files; empty: guessed for each.
  bool follow = false;
  FormatOptions parse;
  // Labels other than 1, 0 and -1 make a bad row, told by file and line before the server sees it.
  bool binary_labels = false;
};

// Adds the options that push and predict share.
void AddInputOptions(CLI::App& app, InputOptions& options);

// Adds those of them that say how text is read, not from where.
void AddFormatOptions(CLI::App& app, InputOptions& options);

// What a line of each format looks like, for the help of push and predict.
std::string_view FormatHelp();

// Tells on stderr that standard input is being read, where that is a terminal: else a command that
// lacks the name of a file seems to hang.
void SayIfTerminalIsRead(const InputOptions& options);

// Reads the examples of several files, one after the other. Not thread-safe.
class ExampleReader {
 public:
  // `stop` ends waiting when it turns true; it must outlive the reader.
  ExampleReader(const InputOptions& options, const std::atomic<bool>* stop);

  // Adds the next example to `builder`; false at the end of all input. Errors say where:
  // "file:line: column N: reason". After INVALID_ARGUMENT, a bad line, the next call goes on with
  // the line behind it; other errors end the reading.
  absl::StatusOr<bool> Next(ExampleBatchBuilder& builder);

  // The file and line of the last example.
  const std::string& path() const { return lines_.path(); }
  uint64_t line_number() const { return lines_.line_number(); }
  // Its tag, or empty.
  std::string_view tag() const { return format_ == nullptr ? std::string_view() : format_->tag(); }

  // As in LineReader.
  bool WouldBlock() { return lines_.WouldBlock(); }
  bool WaitForInput(std::chrono::milliseconds timeout) { return lines_.WaitForInput(timeout); }
  uint64_t bytes_consumed() const { return lines_.bytes_consumed(); }
  std::optional<uint64_t> bytes_total() const { return lines_.bytes_total(); }

 private:
  absl::StatusOr<bool> ReadLine(std::string_view& line);
  absl::Status BeginFile(std::string_view first_line);
  absl::Status EndFile();
  absl::Status CheckLabel(const ExampleBatchBuilder& builder) const;
  std::string Place() const;

  const InputOptions options_;
  LineReader lines_;
  std::unique_ptr<RowFormat> format_;  // Null until the first line.
  std::string format_name_;            // Its name.
  std::string open_path_;              // The file that format_ is in; empty between files.
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_EXAMPLE_READER_H_
