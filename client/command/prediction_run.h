// The main loop of commands that predict rows of the input.

#ifndef FRESHET_CLIENT_COMMAND_PREDICTION_RUN_H_
#define FRESHET_CLIENT_COMMAND_PREDICTION_RUN_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "client/client.h"
#include "client/command/event_rows.h"
#include "client/command/example_reader.h"
#include "core/feature/example_batch.h"
#include "core/feature/new_names.h"

namespace freshet {

// Gathers rows into batches and asks the server for their predictions. Not thread-safe.
class PredictionRun {
 public:
  struct Steps {
    // Called for each row that was read, in order. An error ends the run. May be null.
    std::function<absl::Status(ExampleReader& reader)> on_row = {};
    // Called with the predictions of the next rows, in order. An error ends the run.
    std::function<absl::Status(const Predictions& answer, const ExampleBatch& rows)> on_answer = {};
    // Set: the rows become events, as these options and `events` say. `events` must outlive the
    // run.
    std::optional<PredictOptions> log = {};
    EventRows* events = nullptr;
    // Called for a row that could not be read, with an INVALID_ARGUMENT that says why. An error
    // ends the run; OK skips the row. Null: the run ends.
    std::function<absl::Status(const absl::Status& reason)> on_bad_row = {};
  };

  PredictionRun(const Client& client, std::string model, Steps steps)
      : client_(client), model_(std::move(model)), steps_(std::move(steps)) {}

  // How many rows were to be logged and are not.
  uint64_t dropped_event_count() const { return dropped_event_count_; }

  // Reads all rows and has them predicted. Rows before an error still get their predictions.
  absl::Status Run(ExampleReader* reader);

 private:
  absl::Status TakeRow(ExampleReader* reader);
  absl::Status SkipOrEnd(const absl::Status& reason) const;
  absl::Status Answer();
  absl::StatusOr<Predictions> Predict();
  void WarnOfDropped(uint32_t count);
  void WarnOfUnlearned(const std::vector<uint32_t>& rows);

  const Client& client_;
  const std::string model_;
  const Steps steps_;
  NewNames names_;  // Of features that are logged, until they are sent along.
  ExampleBatchBuilder batch_;
  ExampleBatchBuilder next_;  // A row on its way to the next batch.
  std::string first_place_;   // "file:line" of the first row of batch_.
  uint64_t dropped_event_count_ = 0;
  bool warned_ = false;  // Of features that the model never learned.
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_PREDICTION_RUN_H_
