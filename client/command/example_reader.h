// Reads examples from files of any input format and knows the file and line of each.

#ifndef FRESHET_CLIENT_COMMAND_EXAMPLE_READER_H_
#define FRESHET_CLIENT_COMMAND_EXAMPLE_READER_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
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

// The values of the input options of push and predict.
struct InputOptions {
  std::vector<std::string> files;  // Empty: standard input.
  std::string format;              // The format of all files; empty: guessed for each file.
  bool follow = false;
  FormatOptions parse;
  // Whether a label other than 1, 0 and -1 is a bad row. Checking it here, before the server would,
  // lets the error name file and line.
  bool binary_labels = false;
  // Whether to warn, once, of a label of 0: it is half positive, but is usually meant as negative.
  bool half_labels = false;
  // Set: called at the first file of csv, tsv or jsonl if parse.mapping is absent, with the format
  // and the first lines; returns the mapping to read by, if any. May be called again for a second
  // pass over the input.
  std::function<absl::StatusOr<std::optional<InputMapping>>(
      std::string_view path, std::string_view format, const std::vector<std::string>& lines)>
      choose_mapping = {};
};

// Whether the format leaves it to a mapping what its fields mean.
bool NeedsMapping(std::string_view format);

// Adds the options that push and predict share.
void AddInputOptions(CLI::App& app, InputOptions& options);

// Adds --event-id and --time, for commands that make events of rows.
void AddEventOptions(CLI::App& app, InputOptions& options);

// Adds only those input options that say how text is parsed, not where it is read from.
void AddFormatOptions(CLI::App& app, InputOptions& options);

// The format of the input that begins with `first_line`: that of --format, else as GuessFormat()
// guesses, else csv if a delimiter is given. INVALID_ARGUMENT if nothing tells.
absl::StatusOr<std::string> FormatNameFor(const InputOptions& options, std::string_view path,
                                          std::string_view first_line);

// Describes what a line of each format looks like, for the help of push, predict and explain.
std::string_view FormatHelp();

// If standard input is to be read and is a terminal, says so on stderr: a command that was given no
// file would otherwise seem to hang.
void SayIfTerminalIsRead(const InputOptions& options);

// Reads the examples of several files, one after the other. Not thread-safe.
class ExampleReader {
 public:
  // When `*stop` turns true, waiting for input ends. `stop` must outlive the reader.
  ExampleReader(const InputOptions& options, const std::atomic<bool>* stop);

  // Adds the next example to `builder`; returns false at the end of all input. Errors say where:
  // "file:line: column N: reason". INVALID_ARGUMENT means a bad line: the next call continues with
  // the line after it. After any other error nothing more can be read.
  absl::StatusOr<bool> Next(ExampleBatchBuilder& builder);

  // The first lines of the input and their format, without consuming them: for a reader that is not
  // used otherwise. FAILED_PRECONDITION if the input is empty.
  struct Sample {
    std::string path;
    std::string format;
    std::vector<std::string> lines;
  };
  absl::StatusOr<Sample> ReadSample();

  // The file and line of the last example.
  const std::string& path() const { return lines_.path(); }
  uint64_t line_number() const { return lines_.line_number(); }
  // The tag of the last example; empty if it has none.
  std::string_view tag() const { return format_ == nullptr ? std::string_view() : format_->tag(); }

  // A field of the last example as it stands in the input; see RowFormat::Field(). Errors say
  // where.
  absl::StatusOr<std::optional<FieldText>> Field(std::string_view name) const;

  // As the functions of the same name in LineReader.
  bool WouldBlock() { return lines_.WouldBlock(); }
  bool WaitForInput(std::chrono::milliseconds timeout) { return lines_.WaitForInput(timeout); }
  uint64_t bytes_consumed() const { return lines_.bytes_consumed(); }
  std::optional<uint64_t> bytes_total() const { return lines_.bytes_total(); }

 private:
  absl::StatusOr<bool> ReadLine(std::string_view& line);
  absl::Status BeginFile(std::string_view& first_line);
  absl::Status ChooseMapping(std::string_view format, std::string_view& first_line);
  void PrintWarnings();
  void WarnOfHalfLabel(const ExampleBatchBuilder& builder);
  absl::Status EndFile();
  absl::Status CheckLabel(const ExampleBatchBuilder& builder) const;
  absl::Status CheckNamespaces(const ExampleBatchBuilder& builder) const;
  std::string Place() const;

  InputOptions options_;
  LineReader lines_;
  std::unique_ptr<RowFormat> format_;  // Null until the first line.
  std::string format_name_;            // The name of format_.
  std::string open_path_;              // The file that format_ is parsing; empty between files.
  std::string first_line_;             // Of the file from which the mapping was chosen.
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_EXAMPLE_READER_H_
