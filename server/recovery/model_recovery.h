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

// Loads the newest snapshot whose checksums hold and replays the log's records that follow it. A
// damaged snapshot is named in the server's log, and the one before it is used. Fails, with the
// file and the ways out in the message, where the log is damaged or does not reach back to a usable
// state: nothing is skipped. A model that was just created is recovered to its empty state.
// `folder` is the name of the model's folder. CANCELLED where `progress` was. Blocks; any thread.
absl::StatusOr<std::shared_ptr<ServedModel>> RecoverModel(const ModelEnvironment& environment,
                                                          const std::string& folder,
                                                          RecoveryProgress& progress);

}  // namespace freshet

#endif  // FRESHET_SERVER_RECOVERY_MODEL_RECOVERY_H_
