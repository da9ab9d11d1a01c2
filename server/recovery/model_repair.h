// Carries out the way out that a diagnosis found.

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

// Makes the diagnosis cut the log off at `offset` instead of where that costs least.
// INVALID_ARGUMENT, with what is to be done instead, where nothing needs to be cut off or where the
// log is damaged before `offset`.
absl::Status TruncateAt(uint64_t offset, ModelDiagnosis& diagnosis);

// What the repair will do, a sentence for each step.
std::vector<std::string> DescribeSteps(const ModelDiagnosis& diagnosis);

// Carries the steps out, durably. What they take away is kept in the folder removed/<time> of the
// model or, where the model itself goes, of the data folder; nothing is deleted. Returns the
// folders in which something was kept. Where the process ends in between, another diagnosis finds
// what is left to do. REQUIRES: no server uses the files, which are as they were diagnosed.
absl::StatusOr<std::vector<std::string>> RepairModel(FileSystem& file_system,
                                                     const ModelDiagnosis& diagnosis,
                                                     absl::Time now);

}  // namespace freshet

#endif  // FRESHET_SERVER_RECOVERY_MODEL_REPAIR_H_
