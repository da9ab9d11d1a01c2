// Which models the entries of a data folder's folder `models` belong to.

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

// A model as its folder and its manifest describe it. Its log and its snapshots have not been read.
struct FoundModel {
  std::vector<std::string> folders;  // By name; if there are several, `problem` says so.
  v1::Model spec;                    // Only the name if the manifest cannot be read.
  absl::Status problem;              // Why it cannot be recovered; OK if it possibly can.
};

struct FoundModels {
  std::map<std::string, FoundModel> models;  // By id.
  // Entries that are not the folder of a model, or are a copy of one. Each status names the path
  // and what to do.
  std::vector<absl::Status> strays;
};

// Fails only if the folder cannot be listed.
absl::StatusOr<FoundModels> FindModels(FileSystem& file_system, const std::string& data_dir);

}  // namespace freshet

#endif  // FRESHET_SERVER_RECOVERY_FOUND_MODELS_H_
