// What is wrong with a data folder beside its models.

#ifndef FRESHET_SERVER_RECOVERY_DATA_DIR_DIAGNOSIS_H_
#define FRESHET_SERVER_RECOVERY_DATA_DIR_DIAGNOSIS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/file/file_system.h"
#include "server/recovery/model_diagnosis.h"

namespace freshet {

struct DataDirDiagnosis {
  std::vector<Finding> findings;
  // What a repair moves away.
  std::vector<std::string> moves;
  // The folders of models, in order.
  std::vector<std::string> model_dirs;
};

// Looks at a data folder that no server uses, and changes nothing. NOT_FOUND where it is none;
// FAILED_PRECONDITION where a newer version wrote it.
absl::StatusOr<DataDirDiagnosis> DiagnoseDataDir(FileSystem& file_system, const std::string& dir);

}  // namespace freshet

#endif  // FRESHET_SERVER_RECOVERY_DATA_DIR_DIAGNOSIS_H_
