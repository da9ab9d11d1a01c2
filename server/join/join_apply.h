// What each kind of record changes in the join.

#ifndef FRESHET_SERVER_JOIN_JOIN_APPLY_H_
#define FRESHET_SERVER_JOIN_JOIN_APPLY_H_

#include "absl/status/status.h"
#include "server/join/join_changes.h"
#include "server/record/record.h"

namespace freshet {

// Adds what the record at changes.state.offset changes, and moves that offset on. Errors are those
// of JoinChanges.
absl::Status ApplyToJoin(const Record& record, JoinChanges& changes);

}  // namespace freshet

#endif  // FRESHET_SERVER_JOIN_JOIN_APPLY_H_
