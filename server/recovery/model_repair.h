// Carries out the steps of a diagnosis.

#ifndef FRESHET_SERVER_RECOVERY_MODEL_REPAIR_H_
#define FRESHET_SERVER_RECOVERY_MODEL_REPAIR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/file/file_system.h"
#include "server/recovery/model_diagnosis.h"

namespace freshet {

// Changes the diagnosis so that its steps cut the log off at `offset` instead of where that costs
// least. INVALID_ARGUMENT, with what to do instead, if nothing needs to be cut off or if the log is
// damaged before `offset`.
absl::Status TruncateAt(uint64_t offset, ModelDiagnosis& diagnosis);

// What the repair will do: a phrase for each step, such as "move PATH away".
std::vector<std::string> DescribeSteps(const ModelDiagnosis& diagnosis);

// Carries the steps out, durably. Deletes nothing: what the steps take away is moved to the folder
// removed/<time> of the model or, if the model itself is moved, of the data folder. Returns the
// folders of this kind that were made. If the process ends halfway, another diagnosis finds what is
// left to do. REQUIRES: no server uses the files, and they have not changed since the diagnosis.
absl::StatusOr<std::vector<std::string>> RepairModel(FileSystem& file_system,
                                                     const ModelDiagnosis& diagnosis,
                                                     absl::Time now);

}  // namespace freshet

#endif  // FRESHET_SERVER_RECOVERY_MODEL_REPAIR_H_
