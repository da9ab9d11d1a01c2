// What is to be decided next about labels.

#ifndef FRESHET_SERVER_JOIN_JOIN_DECISION_H_
#define FRESHET_SERVER_JOIN_JOIN_DECISION_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "freshet/v1/log_record.pb.h"
#include "server/join/join_state.h"
#include "server/join/join_store.h"

namespace freshet {

// See LabelJoin::Decide().
absl::StatusOr<std::optional<v1::LabelsNote>> DecideLabels(const JoinView& view,
                                                           const JoinState& state, int64_t now_ms,
                                                           size_t max_rows);

}  // namespace freshet

#endif  // FRESHET_SERVER_JOIN_JOIN_DECISION_H_
