#ifndef FRESHET_SERVER_VIEW_SNAPSHOT_STATE_H_
#define FRESHET_SERVER_VIEW_SNAPSHOT_STATE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "freshet/v1/model.pb.h"
#include "server/record/record.h"
#include "server/snapshot/snapshot_store.h"
#include "server/view/model_state.h"

namespace freshet {

// The state that a snapshot of a model with this spec holds. Reads and verifies the whole file. As
// SnapshotStore::Load(), and DATA_LOSS, which names the file, where it is not the one that was
// meant or its state does not fit the spec.
absl::StatusOr<std::unique_ptr<ModelState>> LoadSnapshotState(const v1::Model& spec,
                                                              const RestoreRecord& target,
                                                              SnapshotStore& snapshots);

}  // namespace freshet

#endif  // FRESHET_SERVER_VIEW_SNAPSHOT_STATE_H_
