// Work that a server does for all its models from time to time.

#ifndef FRESHET_SERVER_REGISTRY_MODEL_UPKEEP_H_
#define FRESHET_SERVER_REGISTRY_MODEL_UPKEEP_H_

#include <atomic>

#include "freshet/v1/model.pb.h"
#include "server/registry/model_registry.h"

namespace freshet {

// Snapshots every model that has new records since its newest snapshot. Waits until all snapshots
// are on disk, and logs those that could not be written.
void SnapshotAll(const ModelRegistry& registry, v1::SnapshotTrigger trigger);

// Deletes old log segments and snapshots of all models, including idle ones, which do not do so
// themselves. Stops early once `stopping` is true. Blocks on the disk.
void DropOldRecords(const ModelRegistry& registry, const std::atomic<bool>& stopping);

}  // namespace freshet

#endif  // FRESHET_SERVER_REGISTRY_MODEL_UPKEEP_H_
