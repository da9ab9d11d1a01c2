#include "server/view/snapshot_state.h"

#include "core/base/str_cat.h"

namespace freshet {

absl::StatusOr<std::unique_ptr<ModelState>> LoadSnapshotState(const v1::Model& spec,
                                                              const RestoreRecord& target,
                                                              SnapshotStore& snapshots) {
  absl::StatusOr<LoadedSnapshot> loaded = snapshots.Load(target.snapshot_id);
  if (!loaded.ok()) return loaded.status();
  const uint64_t checksum = loaded->header().file_checksum();
  if (target.file_checksum.value_or(checksum) != checksum) {
    return absl::DataLossError(
        StrCat(snapshots.PathOf(target.snapshot_id),
               ": another snapshot has this id now; put the right one back from a copy"));
  }
  absl::StatusOr<std::unique_ptr<ModelState>> state = ModelState::Create(spec);
  if (!state.ok()) return state;
  if (absl::Status status = (*state)->Load(loaded->payload()); !status.ok()) {
    return absl::Status(
        status.code(), StrCat(snapshots.PathOf(target.snapshot_id), ": ", ToStd(status.message())));
  }
  return state;
}

}  // namespace freshet
