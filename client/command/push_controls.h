// What the commands that push have in common: flags, going on where an earlier push was, and the
// lines that they print meanwhile.

#ifndef FRESHET_CLIENT_COMMAND_PUSH_CONTROLS_H_
#define FRESHET_CLIENT_COMMAND_PUSH_CONTROLS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "CLI/CLI.hpp"
#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/client.h"
#include "client/command/known_rows.h"
#include "client/command/progress.h"
#include "client/pusher.h"
#include "core/thread/steady_mutex.h"

namespace freshet {

// The values of the flags.
struct PushControls {
  bool skip_errors = false;
  std::optional<uint64_t> max_errors;  // Skip up to this many bad rows; implies skip_errors.
  size_t batch_size = 512;
  std::string producer_id;
  double retry_s = 300;
  std::string progress = "auto";

  bool SkipsErrors() const { return skip_errors || max_errors.has_value(); }
  uint64_t MaxErrors() const { return max_errors.value_or(skip_errors ? UINT64_MAX : 0); }
};

// Adds the flags. `controls` must outlive the command.
void AddPushControls(CLI::App& command, PushControls& controls);

// INVALID_ARGUMENT if a value is out of range.
absl::Status CheckPushControls(const PushControls& controls);

PusherOptions PusherOptionsOf(const PushControls& controls, const KnownRows& known);

// Finds out what an earlier push with the same --producer-id has achieved.
absl::StatusOr<KnownRows> FindKnownRows(const Client& client, const std::string& model,
                                        const std::string& producer_id);

// The end of a push that a signal has stopped after row `last_row`, which stands at `last_place`,
// "file:line"; empty if that is not known.
absl::Status InterruptedPush(const PushControls& controls, uint64_t last_row,
                             std::string_view last_place, std::string_view producer_id);

// Prints lines to standard error: above the progress display while one is shown. Thread-safe.
class LinePrinter {
 public:
  void Print(std::string_view line);
  // Null: none is shown.
  void Show(ProgressDisplay* display);

 private:
  SteadyMutex mu_;
  ProgressDisplay* display_ ABSL_GUARDED_BY(mu_) = nullptr;
};

// Says after which row an earlier push with the same producer is gone on with, if there was one.
void SayWhereItGoesOn(const KnownRows& known, std::string_view producer_id, LinePrinter& printer);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_PUSH_CONTROLS_H_
