#ifndef FRESHET_SERVER_MODEL_RECOVERED_MODEL_H_
#define FRESHET_SERVER_MODEL_RECOVERED_MODEL_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "freshet/v1/model.pb.h"
#include "server/log/log.h"
#include "server/model/model_files.h"
#include "server/model/predictor.h"
#include "server/snapshot/snapshot_store.h"
#include "server/view/model_state.h"

namespace freshet {

// A model that was brought back from its files, or that is about to be.
struct RecoveredModel {
  v1::Model spec;  // With its learners resolved; its figures are not set.
  std::unique_ptr<SnapshotStore> snapshots;
  std::unique_ptr<Log> log;           // At the state's offset; null for DURABILITY_NONE.
  std::unique_ptr<ModelState> state;  // Without its challengers.
  // Each at its own offset, in the order of the spec. They catch up while the model serves.
  std::vector<std::unique_ptr<Variant>> challengers;
  std::shared_ptr<Predictor> predictor;  // Of the champion.
  ModelFiles::Restores restores;         // Replayed.
  uint64_t replayed_bytes = 0;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_MODEL_RECOVERED_MODEL_H_
