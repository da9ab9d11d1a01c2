// The ids and times of the rows that become events, as --event-id and --time say.

#ifndef FRESHET_CLIENT_COMMAND_EVENT_ROWS_H_
#define FRESHET_CLIENT_COMMAND_EVENT_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/command/example_reader.h"
#include "core/format/civil_time.h"
#include "core/format/row_format.h"

namespace freshet {

// Milliseconds since 1970 from the text of a field. INVALID_ARGUMENT, which names the field and
// what is allowed, if it is no time.
absl::StatusOr<int64_t> ParseEventTime(const TimeReader& reader, std::string_view field,
                                       std::string_view text);

// Reads the id and the time of each row of a reader, and gathers those of a batch. Not thread-safe.
class EventRows {
 public:
  enum class Ids {
    kRequired,  // A row without an id is bad.
    kOptional,  // The server may make them: all rows have an id, or none.
  };

  // INVALID_ARGUMENT for a malformed --time-format.
  static absl::StatusOr<EventRows> Make(const FormatOptions& parse, Ids ids);

  // Reads those of the row that was read last. INVALID_ARGUMENT, which names file and line, if the
  // row has no id or time, or one that is malformed.
  absl::Status Read(ExampleReader& reader);
  // Adds what was read last to the batch.
  void Add();
  void Clear();

  // One for each row of the batch. No ids: the server makes them. No times: the rows happen now.
  const std::vector<std::string>& ids() const { return ids_; }
  const std::vector<int64_t>& times_ms() const { return times_ms_; }

 private:
  EventRows(std::string id_field, std::string time_field, TimeReader time, Ids kind)
      : id_field_(std::move(id_field)),
        time_field_(std::move(time_field)),
        time_(std::move(time)),
        kind_(kind) {}

  absl::Status ReadId(ExampleReader& reader);
  absl::Status ReadTime(ExampleReader& reader);

  std::string id_field_;    // Empty: the tag is the id.
  std::string time_field_;  // Empty: the rows have no times.
  TimeReader time_;
  Ids kind_;
  bool any_read_ = false;
  bool has_ids_ = false;  // Whether the rows have ids, once any was read.
  std::string id_;        // Of the row read last.
  int64_t time_ms_ = 0;   // Of the row read last.
  std::vector<std::string> ids_;
  std::vector<int64_t> times_ms_;
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_EVENT_ROWS_H_
