// What stands in the folder of all models, and whose it is.

#ifndef FRESHET_SERVER_RECOVERY_FOUND_MODELS_H_
#define FRESHET_SERVER_RECOVERY_FOUND_MODELS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "freshet/v1/model.pb.h"
#include "server/file/file_system.h"

namespace freshet {

// A model by what its folder and its manifest say; its log and snapshots are not looked at.
struct FoundModel {
  std::vector<std::string> folders;  // Their names. More than one: `problem` says so.
  v1::Model spec;                    // Its name alone where the manifest cannot be read.
  absl::Status problem;              // Why it cannot be recovered; OK where it may.
};

struct FoundModels {
  std::map<std::string, FoundModel> models;  // By id.
  // What is no model's folder, or is a copy of one; each names its path and the way out.
  std::vector<absl::Status> strays;
};

// An error only where the folder cannot be read.
absl::StatusOr<FoundModels> FindModels(FileSystem& file_system, const std::string& data_dir);

}  // namespace freshet

#endif  // FRESHET_SERVER_RECOVERY_FOUND_MODELS_H_
