// The spec and the files of a new model.

#ifndef FRESHET_SERVER_REGISTRY_NEW_MODEL_H_
#define FRESHET_SERVER_REGISTRY_NEW_MODEL_H_

#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "freshet/v1/model.pb.h"
#include "server/model/model_environment.h"
#include "server/snapshot/snapshot_file.h"

namespace freshet {

// The id, among a model's own snapshots, of the snapshot from which the model was created.
inline constexpr std::string_view kOriginSnapshotId = "origin";

// The spec of a new model: `requested` with every default filled in, and a new uid. The learners
// are those of `origin` unless that is null; otherwise that of the one variant in `requested`, or
// the default learner if there is none. INVALID_ARGUMENT for a bad option, or for variants together
// with an origin.
absl::StatusOr<v1::Model> MakeModelSpec(std::string_view model_id, const v1::Model& requested,
                                        const LoadedSnapshot* origin, absl::Time now);

// Creates the model's folder (see FolderOf()) and its files, durably, all or none; RecoverModel()
// then brings the model up. With an origin, the files hold the origin's snapshot, and the first
// record of the log restores it; a model without a log gets a snapshot of the state after that
// record instead. Blocks on the disk. ALREADY_EXISTS if the folder exists; if the origin's state
// cannot be loaded, the reason.
absl::Status CreateModelFiles(const ModelEnvironment& environment, const v1::Model& spec,
                              const LoadedSnapshot* origin);

}  // namespace freshet

#endif  // FRESHET_SERVER_REGISTRY_NEW_MODEL_H_
