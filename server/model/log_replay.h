#ifndef FRESHET_SERVER_MODEL_LOG_REPLAY_H_
#define FRESHET_SERVER_MODEL_LOG_REPLAY_H_

#include <functional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/model/recovered_model.h"
#include "server/model/recovery_progress.h"

namespace freshet {

// Applies all records of the model's log from its state's offset on, and logs from time to time how
// far it is. DATA_LOSS where a record cannot be applied, or where the log begins behind the state;
// CANCELLED where `progress` was. Blocks. REQUIRES: model.log != nullptr.
absl::Status ReplayLog(RecoveredModel& model, const std::function<absl::Time()>& clock,
                       RecoveryProgress& progress);

}  // namespace freshet

#endif  // FRESHET_SERVER_MODEL_LOG_REPLAY_H_
