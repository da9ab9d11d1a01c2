#ifndef FRESHET_SERVER_MODEL_MODEL_ENVIRONMENT_H_
#define FRESHET_SERVER_MODEL_MODEL_ENVIRONMENT_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/time/time.h"
#include "server/file/data_dir.h"
#include "server/log/log.h"
#include "server/thread/worker_pool.h"

namespace freshet {

// What all models of a server share. Everything it refers to outlives them.
struct ModelEnvironment {
  DataDir& data_dir;
  WorkerPool& learners;               // Runs the strands of the models' champions.
  WorkerPool& loggers;                // Runs the strands that write logs, which block on the disk.
  WorkerPool& io;                     // Runs what else blocks on the disk.
  WorkerPool* challengers = nullptr;  // Runs the strands of challengers; null: learners does.
  // Runs the strands of logs that do not sync, which need not wait for the others; null: loggers.
  WorkerPool* unsynced_loggers = nullptr;
  WorkerPool* snapshots = nullptr;  // Writes snapshots, which takes long; null: io does.
  // Writes those that a server takes at its end, behind nothing else; null: io does.
  WorkerPool* last_snapshots = nullptr;
  std::function<absl::Time()> clock;

  uint32_t keep_snapshot_count = 3;         // Automatic ones, for each model; >= 1.
  uint32_t keep_hourly_snapshot_count = 0;  // See KeptSnapshots.
  uint32_t keep_daily_snapshot_count = 0;
  uint64_t snapshot_log_growth_bytes = 0;            // See v1.SnapshotConfig; 0: never.
  uint64_t log_segment_bytes = uint64_t{128} << 20;  // See LogOptions.
  Retention log_retention = {};                      // For models that set none of their own.
  absl::Duration log_retry_interval = absl::Milliseconds(500);  // See LogWriter.
  uint64_t max_queue_bytes = uint64_t{64} << 20;                // For each model.
  // Of the queues of all models, counted where the pointer leads; null: there is no limit.
  uint64_t max_total_queue_bytes = 0;
  std::atomic<uint64_t>* total_queued_bytes = nullptr;
  uint32_t max_producers = 100'000;  // That each model remembers, >= 1.
  uint32_t max_models = 10'000;
  uint32_t max_names = 100'000;  // Of features, for each model; 0: none are kept.
  bool strict = false;  // One model that cannot be recovered, or a stray entry, fails Recover().
  bool predict_while_recovering = false;  // From the newest snapshot on; not without one.
  std::string server_version;

  WorkerPool& challenger_pool() const { return challengers == nullptr ? learners : *challengers; }

  // Where a snapshot is written.
  WorkerPool& snapshot_pool(bool is_last) const {
    WorkerPool* const pool = is_last ? last_snapshots : snapshots;
    return pool == nullptr ? io : *pool;
  }
};

}  // namespace freshet

#endif  // FRESHET_SERVER_MODEL_MODEL_ENVIRONMENT_H_
