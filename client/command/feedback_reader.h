// Reads feedback for events from files of csv, tsv or jsonl.

#ifndef FRESHET_CLIENT_COMMAND_FEEDBACK_READER_H_
#define FRESHET_CLIENT_COMMAND_FEEDBACK_READER_H_

#include <atomic>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/command/example_reader.h"
#include "core/feature/example_batch.h"
#include "core/format/civil_time.h"
#include "freshet/v1/learning_service.pb.h"

namespace freshet {

// Where the parts of feedback stand: columns, or members of JSON objects. A field that was named by
// a flag must exist; the others may be absent, except for that of the event's id.
struct FeedbackFields {
  std::optional<std::string> event_id = {};  // Absent: event_id.
  std::optional<std::string> value = {};     // Absent: value.
  std::optional<std::string> time = {};      // Absent: time.
  std::string name = {};  // The name of all feedback; empty: the field name says it.
};

// Reads the feedback of several files, one after the other. Not thread-safe.
class FeedbackReader {
 public:
  // `time` reads the times. When `*stop` turns true, waiting for input ends. `stop` must outlive
  // the reader.
  FeedbackReader(const InputOptions& input, FeedbackFields fields, TimeReader time,
                 const std::atomic<bool>* stop);

  // Overwrites `item` with the next row; false at the end of all input. Errors as those of
  // ExampleReader::Next().
  absl::StatusOr<bool> Next(v1::FeedbackItem& item);

  // For the place of the last row, and for waiting.
  ExampleReader& rows() { return rows_; }

 private:
  using Text = std::optional<std::string>;

  absl::Status ReadItem(v1::FeedbackItem& item);
  absl::StatusOr<Text> ReadField(std::string_view field, std::string_view flag);
  absl::Status BadField(std::string_view field, std::string_view text, std::string_view allowed);
  std::string RowPlace() const;

  const FeedbackFields fields_;
  const TimeReader time_;
  ExampleReader rows_;
  ExampleBatchBuilder row_;          // Only to read by; not used otherwise.
  std::string path_;                 // The file of the last row.
  std::vector<std::string> absent_;  // Fields that the table does not have.
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_FEEDBACK_READER_H_
