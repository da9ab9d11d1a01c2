// What a push prints at its end.

#ifndef FRESHET_CLIENT_COMMAND_PUSH_SUMMARY_H_
#define FRESHET_CLIENT_COMMAND_PUSH_SUMMARY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "client/command/row_metrics.h"
#include "client/pusher.h"
#include "core/metrics/progressive_metrics.h"
#include "freshet/v1/model.pb.h"

namespace freshet {

// What a push has done.
struct PushOutcome {
  std::string model;  // Its id.
  std::string producer_id;
  std::string_view done =
      "learned";  // What was done with the rows, and what they are, if not rows.
  std::string_view unit = "row";
  PusherStats stats;
  uint64_t known_rows = 0;  // Not pushed, since an earlier push with this producer id did so.
  uint64_t bad_rows = 0;
  uint64_t last_row = 0;  // The number of the last row that was pushed or known.
  double seconds = 0;
  v1::Model described;  // After the push; its name is empty if the server did not return it.
  std::optional<ProgressiveFigures> metrics;  // Over the rows of this push that were learned.
  std::optional<HoldoutFigures> holdout;      // Over those that were held out, if any.

  // What the push is judged by: the rows held out, or else those learned.
  std::optional<ProgressiveFigures> Judged() const {
    return holdout ? std::optional(holdout->figures) : metrics;
  }

  // The rows that earlier pushes with this producer id had learned: those not pushed now, and those
  // that the server recognised. Does not count duplicates that this push caused itself by resending
  // after a reconnect.
  uint64_t KnownRows() const;
  uint64_t LearnedRows() const;
};

// "1 row", "2,000 rows".
std::string RowCount(uint64_t count, std::string_view unit = "row");

// The error that the command ends with, if any, from how reading and pushing ended: `first_bad` is
// the first bad row, and `too_many_bad` whether there were more than may be skipped.
struct PushEnd {
  absl::Status read = {};
  absl::Status pushed = {};
  std::string first_bad = {};
  bool too_many_bad = false;
  bool skips_errors = false;
};
absl::Status FinalStatus(const PushEnd& end, const PushOutcome& outcome);

std::string PushSummaryJson(const PushOutcome& outcome);

// `skips_errors`: whether bad rows were to be skipped, so that the number of them is mentioned.
std::string PushSummaryText(const PushOutcome& outcome, bool skips_errors);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_PUSH_SUMMARY_H_
