// Takes snapshots of the models that have moved on, at an interval.

#ifndef FRESHET_SERVER_RUNTIME_SNAPSHOT_TIMER_H_
#define FRESHET_SERVER_RUNTIME_SNAPSHOT_TIMER_H_

#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "freshet/v1/model.pb.h"
#include "server/runtime/model_registry.h"

namespace freshet {

// Snapshots every model that has records since its newest snapshot, waits until all are on disk,
// and logs what could not be written.
void SnapshotAll(const ModelRegistry& registry, v1::SnapshotTrigger trigger);

// Calls SnapshotAll() every `interval` until destroyed. Keeps a reference to `registry`.
class SnapshotTimer {
 public:
  // REQUIRES: interval > 0.
  SnapshotTimer(const ModelRegistry& registry, absl::Duration interval);
  ~SnapshotTimer();

  SnapshotTimer(const SnapshotTimer&) = delete;
  SnapshotTimer& operator=(const SnapshotTimer&) = delete;

 private:
  void Run(absl::Duration interval);

  const ModelRegistry& registry_;
  absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_RUNTIME_SNAPSHOT_TIMER_H_
