// Fetches events from a model's log.

#ifndef FRESHET_SERVER_MODEL_EVENT_LOADER_H_
#define FRESHET_SERVER_MODEL_EVENT_LOADER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/loss/loss_kind.h"
#include "server/log/log_reader.h"
#include "server/record/record.h"

namespace freshet {

// Reads records with events by their offsets. Decisions about labels refer to these mostly in
// order, so the loader keeps its place in the log and goes on from there.
//
// Blocks on the disk. Not thread-safe.
class EventLoader {
 public:
  using OpenLog = std::function<absl::StatusOr<std::unique_ptr<LogReader>>(uint64_t offset)>;

  // Records are decoded for `loss`.
  EventLoader(OpenLog open_log, LossKind loss) : open_log_(std::move(open_log)), loss_(loss) {}

  // The events of the record at `offset`, which owns its bytes, and the time of the record.
  // UNAVAILABLE while the record is not in the log yet; DATA_LOSS if it does not hold events;
  // otherwise errors as Log::NewReader().
  struct Loaded {
    std::shared_ptr<const EventsRecord> events;
    int64_t time_ms = 0;
  };
  absl::StatusOr<Loaded> Load(uint64_t offset);

  // Sets the rows that a decision refers to. Errors as Load(), and DATA_LOSS if the decision does
  // not fit the records.
  absl::Status LoadRows(LabelsRecord& labels);

  // Lets go of the log, so that it may drop what was read.
  void Rest() { reader_ = nullptr; }

 private:
  absl::StatusOr<std::optional<LogRecord>> Read(uint64_t offset);

  const OpenLog open_log_;
  const LossKind loss_;
  std::unique_ptr<LogReader> reader_;  // Null until the first use.
  uint64_t last_offset_ = 0;           // Of last_.
  Loaded last_;                        // Of the record that was read last; or null.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_MODEL_EVENT_LOADER_H_
