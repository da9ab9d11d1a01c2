// Snapshots that come from a file or from another model: whether a model can take one over, and
// what it then keeps of it.

#ifndef FRESHET_SERVER_MODEL_IMPORTED_SNAPSHOT_H_
#define FRESHET_SERVER_MODEL_IMPORTED_SNAPSHOT_H_

#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "freshet/v1/model.pb.h"
#include "freshet/v1/snapshot_file.pb.h"
#include "server/snapshot/snapshot_file.h"
#include "server/view/model_state.h"

namespace freshet {

// The last part of the snapshot's name; the id that it had where it comes from.
std::string_view SnapshotIdOf(const v1::SnapshotFileHeader& header);

// Gives a new model that has a name the variants of a snapshot. FAILED_PRECONDITION where the
// snapshot has none, or a learner that this server does not know.
absl::Status TakeVariants(const v1::SnapshotFileHeader& header, v1::Model& spec);

// OK where the snapshot's learners are the model's. FAILED_PRECONDITION says how they differ.
absl::Status CheckSameLearners(const v1::SnapshotFileHeader& header, const v1::Model& spec);

// The state of a snapshot whose learners are the model's. FAILED_PRECONDITION where a newer server
// wrote it, DATA_LOSS where the bytes do not fit, RESOURCE_EXHAUSTED where there is no memory.
absl::StatusOr<std::unique_ptr<ModelState>> LoadImportedState(const v1::Model& spec,
                                                              const LoadedSnapshot& snapshot);

// The header that the snapshot has as one of the model's own, under the id `snapshot_id`. Offset,
// example count and create time stay; what its old log restored does not matter any more.
v1::SnapshotFileHeader ImportedHeader(const v1::SnapshotFileHeader& source, const v1::Model& spec,
                                      std::string_view snapshot_id,
                                      std::string_view server_version);

}  // namespace freshet

#endif  // FRESHET_SERVER_MODEL_IMPORTED_SNAPSHOT_H_
