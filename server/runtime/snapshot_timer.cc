#include "server/runtime/snapshot_timer.h"

#include <spdlog/spdlog.h>

#include <cstddef>
#include <latch>
#include <memory>
#include <string>
#include <vector>

namespace freshet {

void SnapshotAll(const ModelRegistry& registry, v1::SnapshotTrigger trigger) {
  std::vector<std::shared_ptr<ModelRuntime>> changed;
  for (const auto& [id, model] : *registry.models()) {
    if (model->HasNewRecords()) changed.push_back(model);
  }
  // Shared, since the last callback may still be within count_down() when wait() returns.
  const auto left = std::make_shared<std::latch>(static_cast<ptrdiff_t>(changed.size()));
  for (const std::shared_ptr<ModelRuntime>& model : changed) {
    model->CreateSnapshot("", trigger, [left, model](const absl::StatusOr<v1::Snapshot>& result) {
      if (!result.ok()) {
        spdlog::error("event=snapshot_failed model={} error=\"{}\"", model->name(),
                      std::string(result.status().message()));
      }
      left->count_down();
    });
  }
  left->wait();
}

SnapshotTimer::SnapshotTimer(const ModelRegistry& registry, absl::Duration interval)
    : registry_(registry), thread_([this, interval] { Run(interval); }) {}

SnapshotTimer::~SnapshotTimer() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  thread_.join();
}

void SnapshotTimer::Run(absl::Duration interval) {
  while (true) {
    {
      absl::MutexLock lock(&mu_);
      if (mu_.AwaitWithTimeout(absl::Condition(&stopping_), interval)) return;
    }
    SnapshotAll(registry_, v1::SNAPSHOT_TRIGGER_INTERVAL);
  }
}

}  // namespace freshet
