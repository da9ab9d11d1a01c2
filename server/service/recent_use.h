// When weights were learned last, as the log tells it: nothing is kept for this while learning.

#ifndef FRESHET_SERVER_SERVICE_RECENT_USE_H_
#define FRESHET_SERVER_SERVICE_RECENT_USE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "freshet/v1/learner.pb.h"
#include "freshet/v1/stats_service.pb.h"
#include "server/log/log_reader.h"
#include "server/model/served_model.h"

namespace freshet {

struct RecentUses {
  uint64_t example_count = 0;                 // Looked through, from the newest one back.
  std::map<uint32_t, v1::RecentUse> by_slot;  // Of the slots that were asked for and found.
};

// Looks through the records from the reader's position to `end_offset` for examples that changed
// one of `slots` of the learner, whose spec is resolved and whose table has `slot_count` slots.
// Begins anew behind a restore, which put the weights back to what they had been. Finds nothing,
// and looks through nothing, where the learner puts numbers into quantile bins: which one it was
// cannot be told any more. Reads the disk. Errors as LogReader::Next(); DATA_LOSS for a record that
// is no batch; CANCELLED once keep_going(), asked for every example, is false.
absl::StatusOr<RecentUses> FindRecentUses(
    LogReader& reader, uint64_t end_offset, const v1::LearnerSpec& learner, uint64_t slot_count,
    std::span<const uint32_t> slots, const std::function<bool()>& keep_going = [] { return true; });

// Fills in the recent_use of an explanation of `model`, by the newest records below its offset that
// are logged: by so many as can be looked through in about a second, where examples become many
// features. Leaves it out where the model has no log. Reads the disk, for some seconds at most.
// Errors as FindRecentUses(); CANCELLED once keep_going() is false.
absl::Status AddRecentUse(const ServedModel& model, const v1::LearnerSpec& learner,
                          uint64_t slot_count, const std::function<bool()>& keep_going,
                          v1::ExplainResponse& explanation);

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_RECENT_USE_H_
