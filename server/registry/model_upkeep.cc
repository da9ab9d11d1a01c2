#include "server/registry/model_upkeep.h"

#include <cstddef>
#include <latch>
#include <memory>
#include <vector>

namespace freshet {

void SnapshotAll(const ModelRegistry& registry, v1::SnapshotTrigger trigger) {
  std::vector<std::shared_ptr<ServedModel>> changed;
  for (const auto models = registry.models(); const auto& [id, model] : *models) {
    if (model->HasNewRecords()) changed.push_back(model);
  }
  // Shared, since the last callback may still be within count_down() when wait() returns.
  const auto left = std::make_shared<std::latch>(static_cast<ptrdiff_t>(changed.size()));
  for (const std::shared_ptr<ServedModel>& model : changed) {
    model->CreateSnapshot("", trigger, [left, model](const absl::StatusOr<v1::Snapshot>& result) {
      if (!result.ok()) model->LogSnapshotFailure(result.status());
      left->count_down();
    });
  }
  left->wait();
}

void DropOldRecords(const ModelRegistry& registry, const std::atomic<bool>& stopping) {
  for (const auto models = registry.models(); const auto& [id, model] : *models) {
    if (stopping) return;
    model->DropOld();
  }
}

}  // namespace freshet
