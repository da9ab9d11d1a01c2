// What is wrong with a data folder, apart from its models.

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
  // The paths that a repair moves away.
  std::vector<std::string> moves;
  // The paths of the models' folders, in order.
  std::vector<std::string> model_dirs;
};

// Diagnoses a data folder, which no server may be using. Changes nothing. NOT_FOUND if `dir` is not
// a data folder; FAILED_PRECONDITION if a newer version wrote it.
absl::StatusOr<DataDirDiagnosis> DiagnoseDataDir(FileSystem& file_system, const std::string& dir);

}  // namespace freshet

#endif  // FRESHET_SERVER_RECOVERY_DATA_DIR_DIAGNOSIS_H_
