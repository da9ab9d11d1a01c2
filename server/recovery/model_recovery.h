// Brings a model back from its files.

#ifndef FRESHET_SERVER_RECOVERY_MODEL_RECOVERY_H_
#define FRESHET_SERVER_RECOVERY_MODEL_RECOVERY_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "freshet/v1/model.pb.h"
#include "server/model/model_environment.h"
#include "server/model/recovery_progress.h"
#include "server/model/served_model.h"

namespace freshet {

// Recovers the model in the folder of the name `folder`: loads the newest snapshot that is not
// damaged, and replays the log's records from its offset on. Names damaged snapshots in the
// server's log and uses an older one instead. A model that was just created is recovered to its
// empty state.
//
// DATA_LOSS, with the damaged file and the way out, if the log is damaged or does not reach back to
// a usable state; no record is ever skipped. CANCELLED if `progress` was. Blocks; any thread may
// call.
absl::StatusOr<std::shared_ptr<ServedModel>> RecoverModel(const ModelEnvironment& environment,
                                                          const std::string& folder,
                                                          RecoveryProgress& progress);

}  // namespace freshet

#endif  // FRESHET_SERVER_RECOVERY_MODEL_RECOVERY_H_
