// What a decision about labels changes in the join.

#ifndef FRESHET_SERVER_JOIN_JOIN_LABELS_H_
#define FRESHET_SERVER_JOIN_JOIN_LABELS_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "freshet/v1/log_record.pb.h"
#include "server/join/join_changes.h"
#include "server/join/join_entries.h"

namespace freshet {

// The entry of an event; made if there is none, with what was decided about the event.
absl::StatusOr<FeedbackEntry*> FindOrAddFeedbackEntry(RowPlace place, const EventTime& time,
                                                      JoinChanges& changes);

// After the feedback or the label of an event changed: puts the event in line for a decision that
// does not wait if the rule wants one, and takes it out if not.
void Reconsider(RowPlace place, FeedbackEntry& entry, JoinChanges& changes);

// A decision came back from the log, as the record at changes.state.offset. Its parts that do not
// fit what the tables hold have no effect.
absl::Status ApplyLabels(const v1::LabelsNote& note, JoinChanges& changes);

}  // namespace freshet

#endif  // FRESHET_SERVER_JOIN_JOIN_LABELS_H_
