// What is done for all models of a server from time to time.

#ifndef FRESHET_SERVER_REGISTRY_MODEL_UPKEEP_H_
#define FRESHET_SERVER_REGISTRY_MODEL_UPKEEP_H_

#include <atomic>

#include "freshet/v1/model.pb.h"
#include "server/registry/model_registry.h"

namespace freshet {

// Snapshots every model that has records since its newest snapshot, waits until all are on disk,
// and logs what could not be written.
void SnapshotAll(const ModelRegistry& registry, v1::SnapshotTrigger trigger);

// Deletes what has grown too old, also of models to which nothing happens, until all models are
// done or `stopping` is true. Blocks on the disk.
void DropOldRecords(const ModelRegistry& registry, const std::atomic<bool>& stopping);

}  // namespace freshet

#endif  // FRESHET_SERVER_REGISTRY_MODEL_UPKEEP_H_
