// What a new model is made of.

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

// The id of the snapshot that a model was created from, among the model's own.
inline constexpr std::string_view kOriginSnapshotId = "origin";

// The spec of a new model: what was asked for, with every default filled in and a uid of its own.
// Its learners are those of `origin` where that is not null; else that of the one variant, or none,
// that was asked for. INVALID_ARGUMENT for a bad option, or for variants beside an origin.
absl::StatusOr<v1::Model> MakeModelSpec(std::string_view model_id, const v1::Model& requested,
                                        const LoadedSnapshot* origin, absl::Time now);

// Creates the model's folder (see FolderOf()) and its files, durably, all or none; RecoverModel()
// then brings it up. With an origin
// they hold its snapshot, and the model's first record restores it; a model without a log has a
// snapshot of the state after that instead. Blocks on the disk. ALREADY_EXISTS where there is one;
// what is wrong with the origin where its state cannot be loaded.
absl::Status CreateModelFiles(const ModelEnvironment& environment, const v1::Model& spec,
                              const LoadedSnapshot* origin);

}  // namespace freshet

#endif  // FRESHET_SERVER_REGISTRY_NEW_MODEL_H_
