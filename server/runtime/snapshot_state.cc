#include "server/runtime/snapshot_state.h"

#include "core/base/str_cat.h"

namespace freshet {

absl::StatusOr<std::unique_ptr<ModelState>> LoadSnapshotState(const v1::Model& spec,
                                                              std::string_view snapshot_id,
                                                              SnapshotStore& snapshots) {
  absl::StatusOr<LoadedSnapshot> loaded = snapshots.Load(snapshot_id);
  if (!loaded.ok()) return loaded.status();
  absl::StatusOr<std::unique_ptr<ModelState>> state = ModelState::Create(spec);
  if (!state.ok()) return state;
  if (absl::Status status = (*state)->Load(loaded->payload()); !status.ok()) {
    return absl::Status(status.code(),
                        StrCat(snapshots.PathOf(snapshot_id), ": ", ToStd(status.message())));
  }
  return state;
}

}  // namespace freshet
